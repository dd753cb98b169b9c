"""What several tests share: the demo cohort's configuration and small cohorts."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from histoniche.demo.cohort import write_demo_cohort
from study import CHECKOUT, Study

OF_DEMO = {
    f"tests/workflow/test_{name}.py"
    for name in ("demo", "errors", "null", "rerun", "scores", "signatures_of_risk", "strategies")
}
"""Modules whose tests share one run of the demo, so that one process runs them all."""

OF_UPLOADS = {"tests/viewer/test_uploads_jobs.py", "tests/viewer/test_uploads_browser.py"}
"""Modules whose tests share one run with finished models."""

INDEPENDENT = {"tests/cluster/test_failures.py"}
"""Modules whose tests share nothing, so that any process can run any of them."""


class ByModule(LoadScopeScheduling):
    """Deals modules out to the processes; those of the demo go to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        if module in INDEPENDENT:
            return nodeid
        if module in OF_UPLOADS:
            return "uploads"
        return "demo" if module in OF_DEMO else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first."""

    def module(item: pytest.Item) -> str:
        return item.path.relative_to(CHECKOUT).as_posix()

    items.sort(
        key=lambda item: (
            module(item) not in OF_DEMO,
            not {"workflow", "trait_runs"} & set(item.path.parts),
        )
    )
    for item in items:
        shares = "demo" in getattr(item, "fixturenames", ())
        own = module(item).startswith("tests/trait_runs/")
        assert own or not shares or module(item) in OF_DEMO, f"add {module(item)} to OF_DEMO"


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Root of the repository."""
    return CHECKOUT


@pytest.fixture(scope="session")
def demo_config() -> dict[str, Any]:
    """The shipped configuration of the demo cohort, its paths relative to its own folder."""
    text = (CHECKOUT / "config" / "demo.yaml").read_text()
    return yaml.safe_load(text.replace("results/demo-cohort", "cohort"))


@pytest.fixture(scope="session")
def small_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six patients of the demo cohort; copy it before changing it."""
    folder = tmp_path_factory.mktemp("small") / "cohort"
    write_demo_cohort(folder, patients=6)
    return folder


@pytest.fixture(scope="session")
def small_config(demo_config: dict[str, Any]) -> dict[str, Any]:
    """Slides and segmentation alone, one short training."""
    config = {
        key: demo_config[key]
        for key in ("study", "results", "seed", "cohort", "slides", "tilings", "segmentation")
    }
    config = yaml.safe_load(yaml.safe_dump(config))
    config["split"] = {"ratio": [1, 1, 1]}
    config["segmentation"]["training"] |= {"epochs": 1, "encoder_depth": 3, "decoder_channels": 4}
    return config


@pytest.fixture
def small_study(small_cohort: Path, small_config: dict[str, Any], tmp_path: Path) -> Study:
    """A study of six patients of which nothing has run."""
    shutil.copytree(small_cohort, tmp_path / "new" / "cohort")
    return Study(tmp_path / "new", yaml.safe_load(yaml.safe_dump(small_config)))


@pytest.fixture(scope="session")
def tiled_once(
    small_cohort: Path, small_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Study:
    """The study of six patients with its slides tiled."""
    study = Study(tmp_path_factory.mktemp("tiled"), small_config)
    shutil.copytree(small_cohort, study.folder / "cohort")
    study.run("--until", "tile_slides")
    return study


@pytest.fixture
def tiled_study(tiled_once: Study, tmp_path: Path) -> Study:
    """A copy of the study of six patients with its slides tiled."""
    shutil.copytree(tiled_once.folder, tmp_path / "tiled", symlinks=True)
    return Study(tmp_path / "tiled", yaml.safe_load(yaml.safe_dump(tiled_once.config)))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("HISTONICHE_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set HISTONICHE_DATA")
    return folder.resolve()
