"""The package's folders: data flow one way through them, and so do imports."""

import ast
from pathlib import Path

import pytest

import histoniche

PACKAGE = Path(histoniche.__file__).parent
SLIDES = {"cohort", "slides", "learning"}
LEFT = {
    "cohort": set(),
    "slides": {"cohort"},
    "learning": {"cohort", "slides"},
    "regions": SLIDES,
    "traits": {*SLIDES, "regions"},
    "imaging": {"cohort", "learning"},
    "omics": {"cohort"},
    "survival": {"cohort"},
    "report": {*SLIDES, "regions", "traits", "imaging", "omics", "survival"},
    "reproduction": {"cohort", "report"},
    "viewer": {"cohort", "slides", "regions", "traits", "report"},
    "demo": {"cohort"},
    "doctor": {"cohort", "slides", "imaging"},
    "commands": {"cohort", "survival", "report", "reproduction", "viewer", "demo", "doctor"},
}
"""What stands left of each folder, or beside the flow of what it looks at."""


def imported(file: Path) -> set[str]:
    """Folders of the package that a module imports from."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "histoniche":
            names |= {f"histoniche.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    parts = {name.split(".")[1] for name in names if name.startswith("histoniche.")}
    return {part for part in parts if (PACKAGE / part).is_dir()}


@pytest.mark.parametrize(
    "folder", sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
)
def test_a_folder_imports_only_from_what_stands_left_of_it(folder):
    wrong = {
        file.name: found
        for file in (PACKAGE / folder).rglob("*.py")
        if (found := imported(file) - LEFT[folder] - {folder})
    }
    assert wrong == {}
