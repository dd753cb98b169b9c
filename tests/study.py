"""A study in a folder of its own, and a way to run the workflow on it."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).parents[1]
# Trainings of two threads each that share two cores take ten times as long as those of one.
CORES = "1" if "PYTEST_XDIST_WORKER" in os.environ else "2"
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


@dataclass
class Study:
    """A study in a folder of its own, run with the checkout's workflow."""

    folder: Path
    config: dict[str, Any]
    snakefile: Path = CHECKOUT / "Snakefile"
    environment: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = (str(SNAKEMAKE),)
    """Snakemake as it is called."""
    place: tuple[str, ...] = ("--cores", CORES)
    """Arguments that say where jobs run."""

    @property
    def results(self) -> Path:
        return self.folder / self.config["results"]

    def write_config(self, **changes: Any) -> Path:
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump({**self.config, **changes}))
        return path

    def command(self, *arguments: str) -> list[str]:
        checkout = self.snakefile.parent
        return [
            *self.program,
            *("--snakefile", str(self.snakefile)),
            *("--directory", str(self.folder)),
            *(
                "--workflow-profile",
                str(checkout / "workflow" / "profiles" / "default"),
            ),
            *("--configfile", str(self.folder / "config.yaml")),
            *self.place,
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

    def planned(self, *targets: str, **changes: Any) -> dict[str, int]:
        """Jobs that a dry run plans, by rule."""
        done = self.run("--dry-run", "--quiet", "rules", "--", *targets, **changes)
        return planned_jobs(done.stdout + done.stderr)


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
