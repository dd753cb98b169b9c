"""Stages of a job, told by the files that they leave, so that any server can tell them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from histoniche.viewer.uploads.store import State

Progress = Literal["to come", "under way", "done", "failed", "stopped"]


class Stage(NamedTuple):
    """A step of the workflow as people know it."""

    title: str
    output: str
    """What it leaves in the results."""
    log: str
    """What it writes once it has begun."""


class Works(NamedTuple):
    """What networks do with a slide."""

    segments: bool
    """Whether its regions are found."""
    told: Sequence[str]
    """Tilings whose tiles networks tell traits from."""
    described: Sequence[str]
    """Tilings whose tiles an encoder describes by features."""
    attended: Sequence[str]
    """Traits that are told from the features of all tiles together."""
    signs: bool
    """Whether the slide signature gives it a risk."""


def stages_of(slide: str, *, tilings: Sequence[str], works: Works) -> list[Stage]:
    """Stages of a slide that makes a batch by itself, in the order in which they come.

    Parameters
    ----------
    slide
        Its id.
    tilings
        Those that it is cut into.
    works
        What networks do with it.
    """
    stages = [_batch("Inspecting the slide", "slides", "inspect_slides", slide)]
    stages += [
        _batch(
            f"Cutting it into tiles ({tiling})", f"tiles/{tiling}", f"tile_slides/{tiling}", slide
        )
        for tiling in tilings
    ]
    stages.append(Stage("Judging it", "slides/quality.parquet", "logs/collect_quality.log"))
    if works.segments:
        stages += [
            _batch("Finding its regions", "segmentation", "segment_slides", slide),
            _batch("Drawing the region map", "regions", "map_regions", slide),
            Stage("Measuring the areas", "areas/slides.parquet", "logs/collect_areas.log"),
        ]
    return stages + _stages_of_tiles(slide, works)


def _stages_of_tiles(slide: str, works: Works) -> list[Stage]:
    """Stages in which networks look at tiles one by one, or at all of them together."""
    stages = [
        _batch(
            f"Telling its traits ({tiling})",
            f"traits/predictions/{tiling}",
            f"classify_slides/{tiling}",
            slide,
        )
        for tiling in works.told
    ]
    if works.told:
        title = "Letting the networks vote"
        stages.append(_batch(title, "traits/maps", "vote_tiles", slide, manifests=".votes"))
    stages += [
        _batch(f"Describing its tiles ({one})", f"features/{one}", f"encode_slides/{one}", slide)
        for one in works.described
    ]
    stages += [
        Stage(
            f"Telling {trait} from all tiles",
            f"traits/{trait}/attention/.batches/all.json",
            f"logs/score_trait_mil/{trait}.log",
        )
        for trait in works.attended
    ]
    if works.told or works.attended:
        title = "Drawing the heat maps"
        stages.append(_batch(title, "traits/maps", "draw_trait_maps", slide, manifests=".pictures"))
    if works.signs:
        log = "logs/score_slide_signature.log"
        stages.append(Stage("Foreseeing the risk", "slide_signature/scores.parquet", log))
    return stages


def _batch(title: str, folder: str, log: str, slide: str, *, manifests: str = ".batches") -> Stage:
    """A stage that works on batches, of which the slide is one."""
    return Stage(title, f"{folder}/{manifests}/{slide}.json", f"logs/{log}/{slide}.log")


def progress_of(stages: Sequence[Stage], results: Path, state: State) -> list[Progress]:
    """How far each stage is.

    Parameters
    ----------
    stages
        Of one job.
    results
        Folder of its results.
    state
        Of the job; of one that is not running, nothing is under way.
    """
    halted: dict[State, Progress] = {"running": "under way", "failed": "failed"}
    found: list[Progress] = []
    for stage in stages:
        if state == "done" or (results / stage.output).exists():
            found.append("done")
        elif (results / stage.log).exists():
            found.append(halted.get(state, "stopped" if state == "cancelled" else "to come"))
        else:
            found.append("to come")
    return found
