"""Slides: whether each can be opened and states its resolution, tried in a limited process."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from histoniche.doctor.findings import Finding, Level
from histoniche.errors import Unusable
from histoniche.files import read_json, write_json
from histoniche.guard import run_limited
from histoniche.slides.inspection import sample_levels
from histoniche.slides.readers.choice import open_slide

_MEMORY_GB, _SECONDS = 8, 120
_LISTED = 10


class Probe(NamedTuple):
    """What opening one slide showed."""

    slide: str
    reason: str
    """Why it cannot be used; empty if it can."""
    width: int = 0
    height: int = 0
    mpp: float = 0.0


def choose_slides(slides: pd.DataFrame, *, number: int | None) -> pd.DataFrame:
    """Slides to be opened: all, or so many, evenly spread over the sheet."""
    if number is None or number >= len(slides):
        return slides
    return slides.iloc[[round(k * (len(slides) - 1) / max(1, number - 1)) for k in range(number)]]


def probe_slides(slides: pd.DataFrame) -> Iterator[Probe]:
    """Open slides one by one; see `read_slides` for their columns."""
    with tempfile.TemporaryDirectory() as name:
        found = Path(name) / "found.json"
        for row in slides.itertuples():
            path = Path(str(row.path))
            given: Any = row.mpp
            mpp = None if pd.isna(given) else float(given)
            try:
                # A file that is mapped into memory counts.
                memory = _MEMORY_GB + path.stat().st_size / 2**30
                run_limited(_probe, path, mpp, found, memory_gb=memory, seconds=_SECONDS)
            except (Unusable, OSError, RuntimeError) as reason:
                yield Probe(str(row.slide), " ".join(str(reason).split()))
            else:
                yield Probe(str(row.slide), "", **read_json(found))


def _probe(path: Path, mpp: float | None, out: Path) -> None:
    """Open a slide, read a little of every level, and write its size and resolution."""
    with open_slide(path, mpp=mpp) as slide:
        sample_levels(slide)
        level = slide.levels[0]
        facts = {"width": level.width, "height": level.height, "mpp": slide.resolution.mpp}
        write_json(facts, out)


def check_slides(probes: Iterable[Probe], *, of: int, on_bad_slide: str) -> list[Finding]:
    """Tell which of the opened slides can be used.

    Parameters
    ----------
    probes
        What `probe_slides` found.
    of
        Number of slides in the sheet.
    on_bad_slide
        What the study does about a slide that cannot be used: fail or skip.
    """
    tried = list(probes)
    bad = [probe for probe in tried if probe.reason]
    level: Level = "wrong" if on_bad_slide == "fail" or len(bad) == len(tried) else "warn"
    findings = [
        Finding(
            "ok" if not bad else level,
            f"{len(tried) - len(bad)} of {len(tried)} slides opened, of {of} in the sheet",
            "" if len(tried) == of else "open all with --all-slides",
        )
    ]
    findings += [
        Finding(level, f"slide {probe.slide}: {probe.reason}", "mend it, or fill in `exclude`")
        for probe in bad[:_LISTED]
    ]
    if len(bad) > _LISTED:
        findings.append(Finding(level, f"and {len(bad) - _LISTED} slides more that cannot be used"))
    return findings
