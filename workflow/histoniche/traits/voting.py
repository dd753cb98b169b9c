"""Voting: several networks of one trait give one answer a tile."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.traits.scores import call_tiles

Rule = Literal["majority", "mean"]
ENSEMBLE = "ensemble"
"""The model that the chosen rounds make together; the others are called by their number."""

RULES: tuple[Rule, ...] = get_args(Rule)

Floats = NDArray[np.floating]
Calls = NDArray[np.int8]


class Vote(NamedTuple):
    """What several networks say together."""

    calls: Calls
    """(tiles,): number of the class."""
    probabilities: NDArray[np.float32]
    """(tiles, classes): mean of the networks' probabilities, whatever the rule."""


def best_rounds(auc: Mapping[int, float], count: int) -> list[int]:
    """Rounds whose networks vote: the `count` of highest validation AUC, the best first.

    Parameters
    ----------
    auc
        Validation AUC by round; NaN where the validation patients are of one class.
    count
        How many vote, 3 in PathoMCH. Of equal AUC the lower number goes first. Rounds
        without an AUC never vote, so there may be fewer.

    Raises
    ------
    InputError
        If no round has an AUC.
    """
    known = sorted((-value, number) for number, value in auc.items() if not math.isnan(value))
    if not known:
        raise InputError(
            "no round has validation patients of two classes, so none can be chosen",
            column="traits.rounds",
            remedy="stratify by the trait's column, or make the validation larger",
        )
    return [number for _, number in known[:count]]


def vote(
    probabilities: Floats, *, rule: Rule = "majority", thresholds: Sequence[float] | None = None
) -> Vote:
    """Answer of several networks on every tile.

    Parameters
    ----------
    probabilities
        (networks, tiles, classes).
    rule
        `majority`: the class that most networks call, as in PathoMCH; of classes with
        equal votes, which even numbers and more than two classes allow, the one of higher
        mean probability among them, and if that is equal too the earlier one, which of
        a binary trait is the negative. `mean`: the class of the mean probability.
    thresholds
        That of each network, as for `call_tiles`; the mean is called at their mean.

    Raises
    ------
    ValueError
        If there is no network, or no such rule.
    """
    if probabilities.ndim != 3 or len(probabilities) == 0:
        raise ValueError(f"networks, tiles, classes are wanted: {probabilities.shape}")
    if rule not in _RULES:
        raise ValueError(f"no such rule: {rule}; known: {', '.join(_RULES)}")
    mean = probabilities.mean(axis=0, dtype=np.float32)
    return Vote(_RULES[rule](probabilities, mean, thresholds), mean)


def _majority(
    probabilities: Floats, mean: NDArray[np.float32], thresholds: Sequence[float] | None
) -> Calls:
    """Class of most votes."""
    classes = mean.shape[1]
    votes = np.zeros(mean.shape, np.int32)
    cuts: Sequence[float | None] = thresholds or [None] * len(probabilities)
    for own, cut in zip(probabilities, cuts, strict=True):
        votes += call_tiles(own, threshold=cut)[:, np.newaxis] == np.arange(classes)
    most = votes == votes.max(axis=1, keepdims=True, initial=0)
    # argmax takes the first of equals.
    return np.asarray(np.where(most, mean, -1).argmax(axis=1), dtype=np.int8)


def _mean(
    probabilities: Floats, mean: NDArray[np.float32], thresholds: Sequence[float] | None
) -> Calls:
    """Class of the mean probability."""
    return call_tiles(mean, threshold=None if thresholds is None else float(np.mean(thresholds)))


_RULES: dict[str, Callable[[Floats, NDArray[np.float32], Sequence[float] | None], Calls]] = {
    "majority": _majority,
    "mean": _mean,
}
