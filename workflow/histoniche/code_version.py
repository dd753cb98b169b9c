"""Versions of code: a digest that changes with what code does, not with its comments."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "histoniche"
_FOLDER = Path(__file__).parent


def code_version(*modules: str) -> str:
    """Digest of modules of the package and of all package modules they import.

    Parameters
    ----------
    modules
        Dotted names, such as "histoniche.omics.correlation".

    Returns
    -------
    16 hexadecimal digits. Comments, docstrings and layout do not change them;
    an edit of what a function does changes the digest of all its users.
    """
    pending = list(modules)
    seen: dict[str, str] = {}
    while pending:
        name = pending.pop()
        if name not in seen:
            seen[name], imported = _digest(name)
            pending.extend(imported)
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(seen.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _file(module: str) -> Path | None:
    """Source file of a module of the package; None if there is no such module."""
    stem = _FOLDER.joinpath(*module.split(".")[1:])
    return next((p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.exists()), None)


@cache
def _digest(module: str) -> tuple[str, tuple[str, ...]]:
    """Digest of one module's syntax tree, and the package modules it imports."""
    path = _file(module)
    if path is None:
        raise ValueError(f"no module {module} in the package")
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
    # The package's own module holds its version, which does nothing.
    users = sorted(name for name in imported - {PACKAGE} if _file(name))
    return hashlib.sha256(text.encode()).hexdigest(), tuple(users)


def _is_docstring(node: ast.AST) -> bool:
    """Whether a statement is a bare string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
