"""The demo cohort run once from its slides to its bundle, for all tests of the workflow."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from histoniche.demo.cohort import write_demo_cohort
from study import Study


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, demo_config: dict[str, Any]) -> Study:
    """The finished demo; tests must leave it as it is, or as they found it."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo_cohort(folder / "cohort")
    study = Study(folder, demo_config)
    study.run("--quiet", "rules")
    return study


@pytest.fixture
def own_copy(demo: Study, tmp_path: Path) -> Study:
    """A copy of the finished demo that a test may change; times of files are kept."""
    shutil.copytree(demo.folder, tmp_path / "copy", symlinks=True)
    return Study(tmp_path / "copy", demo.config)
