"""What several tests share: the demo cohort, small cohorts, and a way to run the workflow."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from histoniche.demo.cohort import write_demo_cohort

CHECKOUT = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


@dataclass
class Study:
    """A study in a folder of its own, run with the checkout's workflow."""

    folder: Path
    config: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    snakefile: Path = CHECKOUT / "Snakefile"

    @property
    def results(self) -> Path:
        return self.folder / self.config["results"]

    def write_config(self, **changes: Any) -> Path:
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump({**self.config, **changes}))
        return path

    def command(self, *arguments: str) -> list[str]:
        return [
            str(SNAKEMAKE),
            *("--snakefile", str(self.snakefile)),
            *("--directory", str(self.folder)),
            *("--workflow-profile", str(CHECKOUT / "workflow" / "profiles" / "default")),
            *("--configfile", str(self.folder / "config.yaml")),
            *("--cores", "2"),
            *arguments,
        ]

    def run(
        self, *arguments: str, succeed: bool = True, **changes: Any
    ) -> subprocess.CompletedProcess[str]:
        self.write_config(**changes)
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **self.environment},
        )
        output = done.stdout + done.stderr
        assert (done.returncode == 0) == succeed, output[-6000:]
        return done

    def planned(self, **changes: Any) -> dict[str, int]:
        """Jobs that a dry run plans, by rule."""
        done = self.run("--dry-run", "--quiet", "rules", **changes)
        return planned_jobs(done.stdout + done.stderr)

    def planned_by(self, snakefile: Path) -> dict[str, int]:
        """The same with another copy of the workflow."""
        return replace(self, snakefile=snakefile).planned()


def planned_jobs(output: str) -> dict[str, int]:
    """Job statistics that Snakemake prints, without the line `total`."""
    lines = output.splitlines()
    if "Job stats:" not in lines:
        assert "Nothing to be done" in output, output
        return {}
    start = lines.index("Job stats:") + 3
    jobs = {}
    for line in lines[start:]:
        if line.startswith("total"):
            break
        rule, count = line.split()
        jobs[rule] = int(count)
    return jobs


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
