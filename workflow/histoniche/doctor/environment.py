"""The environment: whether Python and the packages are those that the locks pin."""

import importlib.metadata
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from histoniche.doctor.findings import Finding

OLDEST_PYTHON = (3, 11)
_SHOWN = 3
_REMEDY = "run `make demo`, or install envs/workflow.lock anew"


class _Packages(NamedTuple):
    """Packages of a lock, by how they stand here."""

    same: list[str]
    other: list[str]
    missing: list[str]


def check_environment(
    lock: Path, *, python: tuple[int, int] = sys.version_info[:2]
) -> list[Finding]:
    """Compare Python and the installed packages with a lock.

    Parameters
    ----------
    lock
        Requirements with pinned versions, such as `envs/workflow.lock`.
    python
        Version of Python.
    """
    version = ".".join(map(str, python))
    if python < OLDEST_PYTHON:
        return [Finding("wrong", f"Python {version}", "use Python 3.11 or newer")]
    packages = _compare(lock.read_text(encoding="utf-8").splitlines())
    findings = [
        Finding("ok", f"Python {version}, {len(packages.same)} packages as {lock.name} pins")
    ]
    if packages.missing:
        findings.append(Finding("wrong", f"not installed: {_some(packages.missing)}", _REMEDY))
    if packages.other:
        findings.append(Finding("warn", f"other versions: {_some(packages.other)}", _REMEDY))
    return findings


def _compare(lines: Iterable[str]) -> _Packages:
    """Sort the packages of a lock by how they stand here."""
    found = _Packages([], [], [])
    for line in lines:
        if line[:1].isspace() or not line or line.startswith("#"):
            continue
        wanted = Requirement(line.rstrip(" \\"))
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            found.missing.append(str(wanted).partition(";")[0])
            continue
        if wanted.specifier.contains(version, prereleases=True):
            found.same.append(wanted.name)
        else:
            found.other.append(f"{wanted.name} {version} instead of {wanted.specifier}")
    return found


def _some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
