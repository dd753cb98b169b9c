"""Steps of a run as entities of a Provenance Run Crate: who made what, from what, with what.

A rule is a tool and a step, a job an action; see https://w3id.org/ro/wfrun/provenance/0.5. An
entity a job, an input and a result, and of parameters one for all jobs that share them, so that
the description grows with the run and no faster.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from histoniche import __version__
from histoniche.report.provenance import Job, Provenance

Entity = dict[str, Any]

CONTEXT = {
    term: f"https://w3id.org/ro/terms/workflow-run#{term}"
    for term in ("ContainerImage", "SIFImage", "DockerImage", "containerImage", "resourceUsage")
} | {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
"""Terms that RO-Crate 1.1 does not know, of the profile's own vocabulary."""

AGENT = "#organisation"
"""Who ran the workflow, where the configuration says so."""

_DONE = "http://schema.org/CompletedActionStatus"
_MOST_CHARACTERS = 500
_UNITS = {
    "wall_s": ("Wall time", "https://qudt.org/vocab/unit/SEC"),
    "cpu_s": ("CPU time", "https://qudt.org/vocab/unit/SEC"),
    "memory_mib": ("Largest memory", "https://qudt.org/vocab/unit/MebiBYTE"),
}


@dataclass(frozen=True)
class Steps:
    """What is known of a run's jobs, in words that may leave the house."""

    provenance: Provenance = field(default_factory=Provenance)
    members: Mapping[str, str] = field(default_factory=dict)
    """Entity in the crate of each path that the bundle holds."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What every other path is called."""
    contents: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Bytes and content of inputs by path."""
    environments: Mapping[str, str] = field(default_factory=dict)
    """Environment of each rule; its lock is `envs/NAME.lock`."""
    images: Mapping[str, str] = field(default_factory=dict)
    """Digest of each image that jobs ran in; empty where it could not be read."""
    cleaned: Callable[[Any], str] = str
    """A parameter as text without the places of files."""


def describe_steps(steps: Steps, graph: list[Entity]) -> None:
    """Add jobs, rules and what they used to a crate that has a workflow and its run.

    Parameters
    ----------
    steps
        What is known; with no job, nothing changes.
    graph
        The crate's entities, changed in place.
    """
    jobs = steps.provenance.jobs
    if not jobs:
        return
    by_id = {entity["@id"]: entity for entity in graph}
    workflow, run, root = by_id["workflow/Snakefile"], by_id["#run"], by_id["./"]
    rules = _in_order(jobs.values())
    new: dict[str, Entity] = {}
    for entity in (*_rules(rules, steps), *_used(steps), *_actions(steps), *_control(rules, jobs)):
        new.setdefault(entity["@id"], entity)
    if AGENT in by_id:
        for entity in new.values():
            if entity["@type"] in ("CreateAction", "OrganizeAction"):
                entity["agent"] = _to(AGENT)
    graph += new.values()
    workflow["@type"] = [*workflow["@type"], "HowTo"]
    workflow["step"] = [_to(f"#step/{rule}") for rule in rules]
    workflow["hasPart"] = [_to(f"#rule/{rule}") for rule in rules]
    run |= _times(jobs.values())
    run["object"] = [*run["object"], *(_to(_place(path, steps)) for path in _outside(steps))]
    root["mentions"] = [_to("#run"), *(_to(_action(name)) for name in jobs)]


def _to(name: str) -> Entity:
    """A reference."""
    return {"@id": name}


def _action(job: str) -> str:
    """Entity of a job."""
    return f"#job/{quote(job)}"


def _place(path: str, steps: Steps) -> str:
    """Entity of a file, in the bundle or not."""
    return steps.members.get(path) or f"#file/{quote(steps.names[path])}"


def _outside(steps: Steps) -> list[str]:
    """Files that no job made and that the bundle does not hold."""
    return [path for path in steps.provenance.sources if path not in steps.members]


def _in_order(jobs: Iterable[Job]) -> list[str]:
    """Rules by the start of their first job, those without a time last."""
    first: dict[str, float] = {}
    for job in jobs:
        started = float("inf") if job.started is None else job.started
        first[job.rule] = min(started, first.get(job.rule, started))
    return sorted(first, key=lambda rule: (first[rule], rule))


def _rules(rules: list[str], steps: Steps) -> Iterator[Entity]:
    """Each rule as a tool and as a step, then the environments."""
    for position, rule in enumerate(rules, start=1):
        tool: Entity = {
            "@id": f"#rule/{rule}",
            "@type": "SoftwareApplication",
            "name": rule,
            "description": f"The rule {rule} of the workflow",
            "softwareVersion": __version__,
        }
        environment = steps.environments.get(rule)
        if environment:
            tool["softwareRequirements"] = _to(f"#environment/{environment}")
        yield tool
        yield {
            "@id": f"#step/{rule}",
            "@type": "HowToStep",
            "name": rule,
            "position": str(position),
            "workExample": _to(f"#rule/{rule}"),
        }
    for environment in sorted({*steps.environments.values()}):
        yield {
            "@id": f"#environment/{environment}",
            "@type": "SoftwareApplication",
            "name": f"Environment {environment}",
            "description": "Libraries that the lock pins; run.json tells what was installed",
            "softwareVersion": __version__,
            "softwareRequirements": _to(f"envs/{environment}.lock"),
        }


def _used(steps: Steps) -> Iterator[Entity]:
    """Files that are not in the bundle, and images of containers."""
    jobs = steps.provenance.jobs.values()
    checksums = {path: checksum for job in jobs for path, checksum in job.checksums.items()}
    for path in sorted({path for job in jobs for path in (*job.inputs, *job.outputs)}):
        if path in steps.members:
            continue
        made = path in steps.provenance.made_by
        entity = {
            "@id": _place(path, steps),
            "@type": "CreativeWork",
            "name": steps.names[path],
            "description": "Made on the way, not in the bundle" if made else "An input",
        }
        size, content = steps.contents.get(path, (None, checksums.get(path, "")))
        if size is not None:
            entity["contentSize"] = str(size)
        if content.startswith("sha256:"):
            entity["sha256"] = content.removeprefix("sha256:")
        elif content:
            entity["identifier"] = content
        yield entity
    for image, digest in sorted(steps.images.items()):
        yield _image(image, digest)


def _image(image: str, digest: str) -> Entity:
    """An image, told by its digest alone where that is known."""
    entity = {
        "@id": _image_id(image),
        "@type": "ContainerImage",
        "additionalType": _to(CONTEXT["SIFImage" if image.endswith(".sif") else "DockerImage"]),
        "name": image.rpartition("/")[2],
    }
    if digest:
        entity["sha256"] = digest
    return entity


def _image_id(image: str) -> str:
    """Entity of an image."""
    return f"#image/{quote(image.rpartition('/')[2])}"


def _actions(steps: Steps) -> Iterator[Entity]:
    """Each job, what it took, and its parameters."""
    for name, job in steps.provenance.jobs.items():
        parameters = [_parameter(job.rule, steps.cleaned(value)) for value in job.parameters]
        usage = [_measure(name, kind, value) for kind, value in sorted(job.usage.items())]
        used = [*(_place(path, steps) for path in job.inputs), *(p["@id"] for p in parameters)]
        action = {
            "@id": _action(name),
            "@type": "CreateAction",
            "name": name,
            "description": f"A job of the rule {job.rule}",
            "instrument": _to(f"#rule/{job.rule}"),
            "object": [_to(place) for place in dict.fromkeys(used)],
            "result": [_to(_place(path, steps)) for path in job.outputs],
            "actionStatus": _DONE,
            **_times([job]),
        }
        if usage:
            action["resourceUsage"] = [_to(entity["@id"]) for entity in usage]
        if job.image is not None:
            action["containerImage"] = _to(_image_id(job.image))
        yield action
        yield from parameters
        yield from usage


def _parameter(rule: str, text: str) -> Entity:
    """A parameter of a rule, cut where it is long."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    entity = {
        "@id": f"#parameter/{rule}/{digest[:16]}",
        "@type": "PropertyValue",
        "name": f"parameter of {rule}",
        "value": text[:_MOST_CHARACTERS],
    }
    if len(text) > _MOST_CHARACTERS:
        entity["description"] = f"The first {_MOST_CHARACTERS} of {len(text)} characters"
        entity["sha256"] = digest
    return entity


def _measure(job: str, kind: str, value: float) -> Entity:
    """What a job took of something."""
    name, unit = _UNITS[kind]
    return {
        "@id": f"{_action(job)}/{kind}",
        "@type": "PropertyValue",
        "name": name,
        "propertyID": kind,
        "unitCode": unit,
        "value": f"{value:g}",
    }


def _times(jobs: Iterable[Job]) -> Entity:
    """First start and last end of some jobs, as far as they are known."""
    known = list(jobs)
    starts = [job.started for job in known if job.started is not None]
    ends = [job.ended for job in known if job.ended is not None]
    times = {}
    if starts:
        times["startTime"] = _moment(min(starts))
    if ends:
        times["endTime"] = _moment(max(ends))
    return times


def _moment(time: float) -> str:
    """A time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def _control(rules: list[str], jobs: Mapping[str, Job]) -> Iterator[Entity]:
    """How the engine ran the steps."""
    of_rule: dict[str, list[str]] = {rule: [] for rule in rules}
    for name, job in jobs.items():
        of_rule[job.rule].append(name)
    for rule, names in of_rule.items():
        yield {
            "@id": f"#control/{rule}",
            "@type": "ControlAction",
            "name": f"Jobs of {rule}",
            "instrument": _to(f"#step/{rule}"),
            "object": [_to(_action(name)) for name in names],
        }
    yield {
        "@id": "#organize",
        "@type": "OrganizeAction",
        "name": "Snakemake ran the workflow",
        "instrument": _to("#snakemake"),
        "object": [_to(f"#control/{rule}") for rule in rules],
        "result": _to("#run"),
        "actionStatus": _DONE,
    }
