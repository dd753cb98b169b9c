"""Cut-points: one value of a score that divides patients in two, found once and then kept."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from histoniche.errors import InputError
from histoniche.survival.maximal_log_rank import maximal_log_rank
from histoniche.survival.observations import Events, Floats, checked_scores, observations

Rule = Literal["median", "quantile", "value", "maximal"]
RULES: tuple[Rule, ...] = get_args(Rule)


@dataclass(frozen=True)
class Cut:
    """A cut-point, as it was found. It divides other patients too and is never found anew."""

    value: float
    """Patients above it are high, those at or below it low. It does not say who fares worse."""
    rule: Rule
    """How it was found; a `maximal` one was searched for, so that a log-rank test of the patients
    it was found in is no test: see `histoniche.survival.maximal_log_rank`."""
    n: int
    """Patients in whom it was found."""
    events: int
    """Deaths among them."""

    def high(self, scores: ArrayLike) -> NDArray[np.bool_]:
        """Whether each patient, of those it was found in or of others, is above the cut."""
        return checked_scores(scores) > self.value


def find_cut(
    scores: ArrayLike,
    times: ArrayLike,
    events: ArrayLike,
    *,
    rule: Rule = "median",
    quantile: float | None = None,
    value: float | None = None,
    min_share: float = 0.1,
) -> Cut:
    """Find a cut-point of a score in some patients, those of the training set.

    Parameters
    ----------
    scores
        (patients,), finite.
    times, events
        (patients,): time, above 0, and whether the patient died then (1) or was last seen (0).
    rule
        `median`; `quantile`: that quantile, interpolated; `value`: that value; `maximal`: where
        the log-rank statistic is largest, see `maximal_log_rank`, which also gives its p.
    quantile, value
        What the rule of the same name needs.
    min_share
        Smallest share of the patients on either side.

    Raises
    ------
    InputError
        If the score does not vary, or fewer than `min_share` of the patients are on one side.

    References
    ----------
    Camp, Dolled-Filhart and Rimm 2004, Clin Cancer Res 10:7252-7259 (X-tile), for `maximal`.
    """
    time, died = observations(times, events)
    score = checked_scores(scores, like=len(time))
    if rule == "maximal":
        at = maximal_log_rank(score, time, died, min_share=min_share).cut
    else:
        at = _plain_cut(score, rule, quantile=quantile, value=value)
        _check_sides(score > at, min_share)
    return Cut(at, rule, len(time), int(died.sum()))


def _plain_cut(score: Floats, rule: Rule, *, quantile: float | None, value: float | None) -> float:
    """Cut by a rule that does not look at survival."""
    if rule not in RULES:
        raise InputError("no such rule", value=rule, remedy=f"choose among {', '.join(RULES)}")
    if rule == "median":
        return float(np.median(score))
    wanted = quantile if rule == "quantile" else value
    if wanted is None:
        raise InputError(f"a cut by {rule} without its {rule}", remedy=f"give the {rule}")
    if rule == "value":
        return float(wanted)
    if not 0 < wanted < 1:
        raise InputError("a quantile", value=wanted, remedy="give one between 0 and 1")
    return float(np.quantile(score, wanted))


def _check_sides(high: Events, min_share: float) -> None:
    """Raise an error if one side of a cut is all but empty."""
    n = int(high.sum())
    for side, size in (("above", n), ("at or below", len(high) - n)):
        if size == 0 or size < int(len(high) * min_share):
            raise InputError(
                f"{size} of {len(high)} patients are {side} the cut",
                remedy=f"choose a cut with {min_share:g} of them on either side",
            )
