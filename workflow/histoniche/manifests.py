"""Manifests: which slides of a batch are done, and from what, so that each is done once.

Slides share jobs, so that a job's start-up is paid once and the graph of a run of ten thousand
slides stays small. What a job makes of its slides lies in the folder of its stage; the workflow
knows of its manifest alone, `STAGE/.batches/BATCH.json`. Beside the manifests lies a note a slide,
written when the slide is done: a job that starts again, because it was killed or because one of its
slides changed, passes over those whose note still holds.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from histoniche.files import read_json, write_json

_NOTES = "slides"


def each_slide(
    manifest: Path, sources: Mapping[str, Any], results: Callable[[str], Iterable[Path]]
) -> Iterator[str]:
    """Yield the slides of a batch that are still to be done, then write its manifest.

    A slide counts as done when the next one is asked for, so that the body of the loop
    makes its results.

    Parameters
    ----------
    manifest
        `STAGE/.batches/BATCH.json`.
    sources
        By slide, in their order, all that its results follow from, as JSON knows it:
        settings, versions of code, digests of what is read. What is not named here
        changes no result.
    results
        Files that a slide leaves behind; one that is missing makes it anew.

    Raises
    ------
    RuntimeError
        If a slide's results are not there after it was done.
    """
    digests = {slide: digest_of(source) for slide, source in sources.items()}
    for number, (slide, digest) in enumerate(digests.items(), start=1):
        note = manifest.parent / _NOTES / f"{slide}.json"
        if _noted(note) == digest and all(path.exists() for path in results(slide)):
            continue
        # Its results are about to change, and no longer what the note says.
        note.unlink(missing_ok=True)
        yield slide
        missing = [path.name for path in results(slide) if not path.exists()]
        if missing:
            raise RuntimeError(f"slide {slide} left no {', '.join(missing)}")
        write_json({"from": digest}, note)
        logging.info("%s: %d of %d slides", slide, number, len(digests))
    write_manifest(digests, manifest)


class Batch:
    """The slides of one job: where what belongs to them lies, and which are still to be done.

    Parameters
    ----------
    manifest
        `STAGE/.batches/BATCH.json` of the job's own stage.
    slides
        Their ids, in order.
    """

    def __init__(self, manifest: str | Path, slides: Iterable[str]) -> None:
        self.manifest = Path(manifest)
        self.slides = list(slides)

    def of(self, manifests: Iterable[str | Path], name: str) -> dict[str, Path]:
        """What another stage made of the slides; see `by_slide`."""
        return by_slide(manifests, self.slides, name)

    def outs(self, name: str) -> dict[str, Path]:
        """What the job makes of them; see `by_slide`."""
        return by_slide([self.manifest], self.slides, name)

    def left(
        self, results: Callable[[str], Iterable[Path]], *own: Mapping[str, Any], shared: Any
    ) -> Iterator[str]:
        """Slides that are still to be done; see `each_slide`.

        Parameters
        ----------
        results
            Files that a slide leaves behind.
        own
            By slide, what its results follow from.
        shared
            What the results of all follow from.
        """
        sources = {slide: [[one[slide] for one in own], shared] for slide in self.slides}
        return each_slide(self.manifest, sources, results)


def write_manifest(digests: Mapping[str, str], manifest: Path) -> None:
    """Write what the results of each slide were made from, for `made_from`."""
    write_json({"slides": dict(digests)}, manifest)


def _noted(note: Path) -> str | None:
    """What a slide's results were made from; None if they are not finished."""
    return str(read_json(note)["from"]) if note.is_file() else None


def digest_of(source: Any) -> str:
    """Name anything that JSON knows by its content, in 32 hexadecimal digits."""
    text = json.dumps(source, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def made_from(manifests: Iterable[str | Path]) -> dict[str, str]:
    """What the results of each slide were made from, of all batches of a stage."""
    return {
        slide: digest
        for manifest in manifests
        for slide, digest in read_json(Path(manifest))["slides"].items()
    }


def stage_of(manifests: Iterable[str | Path]) -> Path:
    """Folder of the stage whose manifests these are.

    Raises
    ------
    ValueError
        If there are none, or those of several stages.
    """
    stages = {Path(manifest).parents[1] for manifest in manifests}
    (stage,) = stages
    return stage


def of_stage(manifests: Iterable[str | Path], name: str) -> list[str]:
    """Of the manifests of several stages those of one, by the name of its folder."""
    return [str(path) for path in manifests if Path(path).parents[1].name == name]


def by_slide(manifests: Iterable[str | Path], slides: Iterable[str], name: str) -> dict[str, Path]:
    """What a stage made of some slides.

    Parameters
    ----------
    manifests
        Those of the stage's batches that hold the slides.
    slides
        In the order wanted.
    name
        Place in the stage's folder, such as "{slide}.zarr".
    """
    stage = stage_of(manifests)
    return {slide: stage / name.format(slide=slide) for slide in slides}
