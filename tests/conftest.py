"""What several tests share: the demo cohort's configuration and small cohorts."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from histoniche.demo.cohort import write_demo_cohort
from study import CHECKOUT, Study


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


@pytest.fixture
def small_study(
    small_cohort: Path, demo_config: dict[str, Any], tmp_path: Path
) -> Callable[..., Study]:
    """Make a study of six patients: slides and segmentation alone, one short training."""

    def make(name: str = "study") -> Study:
        folder = tmp_path / name
        shutil.copytree(small_cohort, folder / "cohort")
        config = {
            key: demo_config[key]
            for key in ("study", "results", "seed", "cohort", "tilings", "segmentation")
        }
        config = yaml.safe_load(yaml.safe_dump(config))
        config["split"] = {"ratio": [1, 1, 1]}
        config["segmentation"]["training"] |= {
            "epochs": 1,
            "encoder_depth": 3,
            "decoder_channels": 4,
        }
        return Study(folder, config)

    return make


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("HISTONICHE_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set HISTONICHE_DATA")
    return folder.resolve()
