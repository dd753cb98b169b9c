"""What the jobs of a study ask for, as a dry run of the workflow says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from histoniche.errors import InputError

_PLANNER = "histoniche.doctor.planning"


class Request(NamedTuple):
    """The largest request of a rule's jobs."""

    rule: str
    jobs: int
    cpus: int
    mem_mb: int
    minutes: int
    gpus: int
    partition: str
    """Named by the rule or the profile; empty if it is chosen by the request."""


def read_requests(
    checkout: Path, *, config: Path, profile: Path, attempt: int, scratch: Path
) -> list[Request]:
    """Plan all of the workflow and say what each rule asks for.

    Parameters
    ----------
    checkout
        Where the Snakefile is.
    config, profile
        The configuration and the profile of the cluster.
    attempt
        Which try; requests grow with it.
    scratch
        A folder for the answer.

    Raises
    ------
    InputError
        If the workflow cannot be planned.
    """
    out = scratch / f"requests_{attempt}.json"
    arguments = [
        *("--snakefile", checkout / "Snakefile", "--configfile", config, "--profile", profile),
        *("--workflow-profile", checkout / "workflow" / "profiles" / "default"),
        # As many threads as a rule wants, not as this machine has.
        *("--cores", 100_000, "--dry-run", "--forceall", "--nolock"),
        *("--quiet", "all", "--attempt", attempt),
    ]
    command = [sys.executable, "-m", _PLANNER, out, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode or not out.is_file():
        said = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
        words = [line for line in said if not line.startswith("Using ")] or ["no reason given"]
        raise InputError(
            f"the workflow cannot be planned: {words[-1][:300]}",
            file=profile,
            remedy="run snakemake --dry-run with this profile and mend what it says",
        )
    return [Request(**entry) for entry in json.loads(out.read_text(encoding="utf-8"))]
