"""How results came about: Snakemake's own records of its jobs, followed back from the results.

Snakemake keeps a record an output in `.snakemake/metadata` of its working directory, written by
its main process, on a cluster and in containers as well; a job's benchmark says what it took.
What no record tells is left out, never made up.
"""

import ast
import csv
import hashlib
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from histoniche.files import read_json

# Units that a benchmark's columns are in.
_MEASURES = {"s": "wall_s", "cpu_time": "cpu_s", "max_rss": "memory_mib"}


@dataclass
class Job:
    """A job that left results, as far as its records tell."""

    rule: str
    name: str
    """The rule and its wildcards, as the job's log is called."""
    inputs: list[str]
    parameters: list[Any]
    """Values in Snakemake's own order; it keeps no names of them."""
    started: float | None
    ended: float | None
    image: str | None
    """The image it ran in; None without a container."""
    checksums: dict[str, str]
    """Of inputs that Snakemake told by their content when it ran, `sha256:` and so on."""
    usage: dict[str, float] = field(default_factory=dict)
    """What it took, such as wall_s, cpu_s and memory_mib."""
    outputs: list[str] = field(default_factory=list)
    """Results that something follows from, or that are asked for."""


@dataclass(frozen=True)
class Provenance:
    """Jobs by name, and the job that made each file."""

    jobs: Mapping[str, Job] = field(default_factory=dict)
    made_by: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> list[str]:
        """Files that jobs read and no job made, sorted."""
        read = {path for job in self.jobs.values() for path in job.inputs}
        return sorted(read - set(self.made_by))


def trace(
    results: Iterable[str],
    *,
    records: Path,
    logs: Path,
    benchmarks: Path,
    declared_as: Mapping[str, str] | None = None,
) -> Provenance:
    """Follow results back to what they were made from.

    Parameters
    ----------
    results
        Paths as the workflow knows them.
    records
        Snakemake's folder `metadata`; without it nothing is known.
    logs, benchmarks
        Folders of both, in which each job has one name.
    declared_as
        For results that no rule declares, what their job declares instead: of a slide's results
        the manifest of its batch.

    Returns
    -------
    Every job that a result follows from. A result that no record tells of has none.
    """
    stands_for = declared_as or {}
    jobs: dict[str, Job] = {}
    made_by: dict[str, str] = {}
    left = sorted(set(results), reverse=True)
    known = set(left)
    while left:
        path = left.pop()
        job = _job(_record(records, stands_for.get(path, path)), logs)
        if job is None:
            continue
        if job.name not in jobs:
            job.usage = _usage(benchmarks / f"{job.name}.tsv")
            jobs[job.name] = job
            new = sorted(set(job.inputs) - known, reverse=True)
            known.update(new)
            left += new
        made_by[path] = job.name
        _add_output(jobs[job.name], job, path)
    for job in jobs.values():
        job.outputs.sort()
    return Provenance(dict(sorted(jobs.items())), made_by)


def slides_declared_as(
    manifests: Iterable[Path], stages: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Manifest behind each file that a stage left of a slide.

    Parameters
    ----------
    manifests
        Of some batches.
    stages
        Each with its `folder`, the folder `records` of its manifests, and its `results`, names
        with `{slide}`.
    """
    places = {Path(stage["folder"]) / stage["records"]: stage for stage in stages}
    return {
        str(Path(stage["folder"]) / name.format(slide=slide)): str(manifest)
        for manifest in manifests
        if (stage := places.get(manifest.parent)) is not None
        for slide in read_json(manifest)["slides"]
        for name in stage["results"]
    }


def _add_output(job: Job, seen: Job, path: str) -> None:
    """Note a further result of a job, and the times that its record tells."""
    job.outputs.append(path)
    starts = [time for time in (job.started, seen.started) if time is not None]
    ends = [time for time in (job.ended, seen.ended) if time is not None]
    job.started, job.ended = min(starts, default=None), max(ends, default=None)


def _record(folder: Path, path: str) -> Mapping[str, Any]:
    """Snakemake's record of an output; empty if there is none, or none that can be read.

    Its file is called as the path in base64, cut into folders where that is too long.
    """
    name = urlsafe_b64encode(path.encode()).decode()
    try:
        longest = os.pathconf(folder, "PC_NAME_MAX") - 1
        parts = [name[k : k + longest] for k in range(0, len(name), longest)]
        file = folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _job(record: Mapping[str, Any], logs: Path) -> Job | None:
    """The job that a record tells of; None if it does not name its rule."""
    rule = record.get("rule")
    if not isinstance(rule, str):
        return None
    log = next(iter(record.get("log") or []), None)
    place = os.path.relpath(log, logs) if log else rule
    return Job(
        rule=rule,
        name=os.path.splitext(place)[0],
        inputs=list(record.get("input") or []),
        parameters=[_value(text) for text in record.get("params") or []],
        started=record.get("starttime"),
        ended=record.get("endtime"),
        image=_image(record),
        checksums=dict(record.get("input_checksums") or {}),
    )


def _image(record: Mapping[str, Any]) -> str | None:
    """The image that a job ran in: Snakemake names one always, and its digest only if it did."""
    image = record.get("container_img_url")
    if not image:
        return None
    used = hashlib.md5(str(image).encode(), usedforsecurity=False).hexdigest()
    return str(image) if record.get("software_stack_hash") == used else None


def _value(text: Any) -> Any:
    """A parameter as it was; as text where it is no plain value."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return str(text)


def _usage(benchmark: Path) -> dict[str, float]:
    """What a job took by its benchmark; empty if it has none."""
    try:
        with benchmark.open(encoding="utf-8", newline="") as stream:
            row = next(csv.DictReader(stream, delimiter="\t"), {})
    except OSError:
        return {}
    found = {}
    for column, name in _MEASURES.items():
        try:
            found[name] = float(row[column])
        except (KeyError, TypeError, ValueError):
            continue
    return found
