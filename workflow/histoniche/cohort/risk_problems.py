"""Keys of the blocks imaging and slide_signature that do not go together, or with others."""

from collections.abc import Iterator, Mapping
from typing import Any

from histoniche.cohort.problem import Problem
from histoniche.cohort.schemas import nearest
from histoniche.cohort.trait_problems import named_elsewhere
from histoniche.cohort.trait_settings import tiling_of

_BLOCKS = ("imaging", "slide_signature")


def risk_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """All that a schema cannot see of both blocks."""
    named = [name for name in _BLOCKS if name in config]
    for block in named:
        yield from _score_problems(config, block)
    if len(named) == 2 and config["imaging"]["score"] == config["slide_signature"]["score"]:
        score = config["imaging"]["score"]
        yield Problem(
            "slide_signature.score", "imaging.score has this name too", "rename it", score
        )
    if "slide_signature" in config:
        yield from _slide_problems(config)


def _score_problems(config: Mapping[str, Any], block: str) -> Iterator[Problem]:
    """Names of scores that other scores or covariates have."""
    others = {
        **named_elsewhere(config),
        "traits.heterogeneity": config.get("traits", {}).get("heterogeneity", {}),
    }
    score = config[block]["score"]
    for place, names in others.items():
        if score in names:
            problem = f"{place} has this name too"
            yield Problem(f"{block}.score", problem, "rename one of them", score)


def _slide_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Features that are not there, and tilings that are not or that have no resolution."""
    if "features" not in config.get("traits", {}):
        remedy = "add it, features: {} for the encoder of the environment, say"
        yield Problem("traits.features", "the block slide_signature needs it", remedy)
        return
    key, tilings = "slide_signature.tiling", config.get("tilings", {})
    tiling = config["slide_signature"].get("tiling", tiling_of(config["traits"], ""))
    if tiling not in tilings:
        remedy = nearest(tiling, tilings) if tilings else "describe it under tilings"
        yield Problem(key, "no such tiling", remedy, tiling)
    elif "fit_px" in tilings[tiling]:
        problem = "its resolution differs from slide to slide"
        yield Problem(key, problem, "choose a tiling with mpp", tiling)
