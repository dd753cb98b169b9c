"""The demo cohort run once from its slides to its bundle, for all tests of the workflow."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from histoniche.demo.cohort import write_demo_cohort
from study import Study


@pytest.fixture(scope="session")
def checkout_copy(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workflow that tests may edit, if they put back what was there."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("workflow", "resources", "envs"):
        shutil.copytree(checkout / name, folder / name)
    for path in checkout.iterdir():
        if path.is_file():
            shutil.copy2(path, folder)
    return folder


@pytest.fixture(scope="session")
def demo(
    checkout_copy: Path, tmp_path_factory: pytest.TempPathFactory, demo_config: dict[str, Any]
) -> Study:
    """The finished demo; tests must leave it as it is, or as they found it."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo_cohort(folder / "cohort")
    study = Study(folder, demo_config, checkout_copy / "Snakefile")
    study.run("--quiet", "rules")
    return study


@pytest.fixture
def own_copy(demo: Study, tmp_path: Path) -> Study:
    """A copy of the finished demo that a test may change; times of files are kept."""
    shutil.copytree(demo.folder, tmp_path / "copy", symlinks=True)
    return replace(demo, folder=tmp_path / "copy")
