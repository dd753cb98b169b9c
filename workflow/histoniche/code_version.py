"""Versions of code: a digest that changes with what code does, not with its comments."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "histoniche"
_FOLDER = Path(__file__).parent
# The version alone, and logging: neither changes what a script writes.
_WITHOUT_EFFECT = {PACKAGE, f"{PACKAGE}.jobs"}


@cache
def code_version(script: str) -> str:
    """Digest of a script of the workflow and of all package modules it leads to.

    Parameters
    ----------
    script
        Name of a file in `workflow/scripts`, such as "train_head".

    Returns
    -------
    16 hexadecimal digits. Comments, docstrings and layout do not change them;
    an edit of what a function does changes the digest of all its users.

    Raises
    ------
    ValueError
        If there is no such script.
    """
    pending = [script]
    seen: dict[str, str] = {}
    while pending:
        name = pending.pop()
        if name not in seen:
            seen[name], imported = _digest(name)
            pending.extend(imported)
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(seen.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _file(name: str) -> Path | None:
    """Source file of a module of the package or of a script; None if there is none."""
    package, *inside = name.split(".")
    stem = _FOLDER.joinpath(*inside) if package == PACKAGE else _FOLDER.parent / "scripts" / name
    return next((p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.exists()), None)


@cache
def _digest(name: str) -> tuple[str, tuple[str, ...]]:
    """Digest of one file's syntax tree, and the package modules it imports."""
    path = _file(name)
    if path is None:
        raise ValueError(f"no script or module {name}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            imported.add(str(node.module))
            imported.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            imported.update(a.name for a in node.names if a.name.split(".")[0] == PACKAGE)
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            body[0] = ast.Pass()
    text = ast.unparse(tree)
    used = sorted(module for module in imported - _WITHOUT_EFFECT if _file(module))
    return hashlib.sha256(text.encode()).hexdigest(), tuple(used)


def _is_docstring(node: ast.AST) -> bool:
    """Whether a statement is a bare string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
