"""Snakemake as the package's own commands call it."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from histoniche.errors import InputError

CHECKOUT = Path(__file__).parents[2]
"""What the workflow is a part of, and the package where it is not installed apart from it."""


def find_snakemake() -> Path:
    """Snakemake of this environment, or else the one that is found by its name.

    Raises
    ------
    InputError
        If there is none.
    """
    beside = Path(sys.executable).with_name("snakemake")
    found = str(beside) if beside.is_file() else shutil.which("snakemake")
    if found is None:
        raise InputError(
            "Snakemake, which runs the workflow, is not installed",
            file=beside,
            remedy="start this from the environment that make demo or make viewer sets up",
        )
    return Path(found)


def find_workflow() -> Path:
    """The workflow that this package is a part of.

    Raises
    ------
    InputError
        If the package was installed without it.
    """
    snakefile = CHECKOUT / "Snakefile"
    if not snakefile.is_file():
        raise InputError(
            "the workflow is not here",
            file=snakefile,
            remedy="install histoniche from its checkout, as make demo does",
        )
    return snakefile


def study_command(
    folder: Path,
    config: Path,
    *,
    profile: Path | None = None,
    cores: int | Literal["all"] | None = None,
) -> list[str]:
    """How the workflow is run on a study in a folder of its own; targets follow after `--`.

    Parameters
    ----------
    folder
        The study's; paths of its configuration are relative to it.
    config
        Its configuration.
    profile
        Folder of the profile of the place where it runs, such as slurm; without one, this machine.
    cores
        Cores of this machine; None for those that the profile names, or all without one.

    Raises
    ------
    InputError
        If there is no Snakemake, or no workflow.
    """
    where = ["--profile", str(profile)] if profile else []
    if cores is not None or not profile:
        where += ["--cores", str(cores or "all")]
    return [
        str(find_snakemake()),
        *("--snakefile", str(find_workflow())),
        *("--directory", str(folder)),
        *("--configfile", str(config)),
        *("--workflow-profile", str(CHECKOUT / "workflow" / "profiles" / "default")),
        *where,
    ]


def run_to_end(command: Sequence[str]) -> None:
    """Run Snakemake, whose words go where this program's go.

    Raises
    ------
    InputError
        If it fails.
    """
    status = subprocess.run(command, check=False).returncode
    if status:
        remedy = "mend what it says, and start this again; what is done stays"
        raise InputError(f"snakemake ended with status {status}", remedy=remedy)
