"""The demo cohort with its traits run once, beside the stages that they need."""

from typing import Any

import pytest
import yaml

from histoniche.demo.cohort import write_demo_cohort
from study import CHECKOUT, Study


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, demo_config: dict[str, Any]) -> Study:
    """The demo's slides, expression and survival with `config/presets/demo_traits.yaml`."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo_cohort(folder / "cohort")
    more = yaml.safe_load((CHECKOUT / "config" / "presets" / "demo_traits.yaml").read_text())
    kept = ("study", "results", "seed", "cohort", "slides", "expression")
    config = {**{key: demo_config[key] for key in kept}, **more}
    study = Study(folder, config)
    study.run("--quiet", "rules")
    return study
