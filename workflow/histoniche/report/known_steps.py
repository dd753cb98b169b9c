"""What a bundle may say of the jobs: their files by names that lead nowhere."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from histoniche.files import sha256
from histoniche.report.inputs import Input, named_below
from histoniche.report.provenance import Provenance
from histoniche.report.redaction import cleaned_value, private_places, without_places
from histoniche.report.steps import Steps


def known_steps(
    provenance: Provenance,
    members: Mapping[str, str],
    *,
    inputs: Mapping[str, Input],
    contents: Mapping[str, tuple[int, str]],
    environments: Mapping[str, str],
    root: Path,
    settings: Mapping[str, Any],
) -> Steps:
    """Name what jobs read and wrote, and clean their parameters.

    Parameters
    ----------
    provenance
        The jobs.
    members
        Entity in the crate of each path that the bundle holds.
    inputs, contents
        The study's own files by path, and what they hold.
    environments
        Environment of each rule.
    root
        The results folder, below which results are named.
    settings
        The configuration, which tells what is private.
    """
    jobs = provenance.jobs.values()
    paths = {path for job in jobs for path in (*job.inputs, *job.outputs)}
    names = _told_apart(
        {
            path: inputs[path].name if path in inputs else named_below(Path(path), root)
            for path in paths
        }
    )
    images = {job.image for job in jobs if job.image is not None}
    outside = {str(Path(path).parent) for path in {*paths, *inputs} if Path(path).is_absolute()}
    places = sorted({*private_places(settings), *(place for place in outside if place != "/")})
    known = paths | set(inputs) | set(members)
    return Steps(
        provenance=provenance,
        members=members,
        names=names,
        contents=contents,
        environments={job.rule: environments[job.rule] for job in jobs if job.rule in environments},
        images={image: _digest_of_image(image) for image in images},
        cleaned=lambda value: without_places(
            json.dumps(cleaned_value(value, known), sort_keys=True, default=str), places
        ),
    )


def _told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Names of which no two are the same: the second of one name is its `NAME (2)`."""
    seen: Counter[str] = Counter()
    apart = {}
    for path in sorted(names):
        name = names[path]
        seen[name] += 1
        apart[path] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return apart


def _digest_of_image(image: str) -> str:
    """SHA-256 of an image that is a file here, or that its address names; else empty."""
    path = Path(image)
    if path.is_file():
        return sha256(path)
    _, mark, digest = image.partition("@sha256:")
    return digest if mark else ""
