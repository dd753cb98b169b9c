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


def stages_of(
    slide: str,
    *,
    tilings: Sequence[str],
    segments: bool,
    trait_tilings: Sequence[str],
    tells_traits: bool,
) -> list[Stage]:
    """Stages of a slide that makes a batch by itself, in the order in which they come.

    Parameters
    ----------
    slide
        Its id.
    tilings
        Those that it is cut into.
    segments
        Whether its regions are found.
    trait_tilings
        Those that networks of tiles tell traits from.
    tells_traits
        Whether any trait is told.
    """
    batch = f"{slide}.json"
    stages = [
        Stage(
            "Inspecting the slide",
            f"slides/.batches/{batch}",
            f"logs/inspect_slides/{slide}.log",
        )
    ]
    stages += [
        Stage(
            f"Cutting it into tiles ({tiling})",
            f"tiles/{tiling}/.batches/{batch}",
            f"logs/tile_slides/{tiling}/{slide}.log",
        )
        for tiling in tilings
    ]
    stages.append(Stage("Judging it", "slides/quality.parquet", "logs/collect_quality.log"))
    if segments:
        stages += [
            Stage(
                "Finding its regions",
                f"segmentation/.batches/{batch}",
                f"logs/segment_slides/{slide}.log",
            ),
            Stage(
                "Drawing the region map",
                f"regions/.batches/{batch}",
                f"logs/map_regions/{slide}.log",
            ),
            Stage("Measuring the areas", "areas/slides.parquet", "logs/collect_areas.log"),
        ]
    stages += [
        Stage(
            f"Telling its traits ({tiling})",
            f"traits/predictions/{tiling}/.batches/{batch}",
            f"logs/classify_slides/{tiling}/{slide}.log",
        )
        for tiling in trait_tilings
    ]
    if trait_tilings:
        stages.append(
            Stage(
                "Letting the networks vote",
                f"traits/maps/.votes/{batch}",
                f"logs/vote_tiles/{slide}.log",
            )
        )
    if tells_traits:
        stages.append(
            Stage(
                "Drawing the heat maps",
                f"traits/maps/.pictures/{batch}",
                f"logs/draw_trait_maps/{slide}.log",
            )
        )
    return stages


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
