"""Whether the hazard ratios of a Cox model stay the same over time."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import NDArray

from histoniche.survival.partial_likelihood import (
    Deaths,
    Floats,
    Ints,
    RiskSets,
    at_deaths,
    information,
)
from histoniche.survival.splines import restricted_cubic_spline

Transform = Literal["km", "rank", "identity"]
"""How time is measured: one minus the Kaplan-Meier curve just before it, its rank, or days."""

TRANSFORMS: tuple[Transform, ...] = get_args(Transform)

GLOBAL = "global"

_SMOOTH_AT = 40
_INNER = (1 / 3, 2 / 3)
_LEAST = 1e-10


def proportional_hazards_p(
    times: Floats,
    events: NDArray[np.bool_],
    design: Floats,
    coefficients: Floats,
    *,
    transform: Transform = "km",
    strata: Ints | None = None,
) -> Floats:
    """Test each column of a design for a coefficient that changes with time.

    Returns
    -------
    p of each column, one degree of freedom, as `proportional_hazards_tests` has it.
    """
    groups = {str(column): [column] for column in range(design.shape[1])}
    table = proportional_hazards_tests(
        times, events, design, coefficients, groups, transform=transform, strata=strata
    )
    return table["p"].to_numpy(dtype="float64")[:-1]


def proportional_hazards_tests(
    times: Floats,
    events: NDArray[np.bool_],
    design: Floats,
    coefficients: Floats,
    groups: Mapping[str, Sequence[int]],
    *,
    transform: Transform = "km",
    strata: Ints | None = None,
) -> pd.DataFrame:
    """Score test of each term for a coefficient that changes with time, and of all at once.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then.
    design
        (patients, columns).
    coefficients
        (columns,), where the likelihood has its maximum under Efron's ties.
    groups
        Columns of each term: several for a covariate of several levels.
    transform
        How time is measured.
    strata
        (patients,): number of each patient's stratum.

    Returns
    -------
    term, df, chi2, p; the last row is `global`, all terms at once. p is small
    where the term's log hazard ratio goes up or down with time. NaN where the
    deaths tell nothing of time. The same as R's `cox.zph` from survival 3.0 on.

    References
    ----------
    Grambsch and Therneau 1994, Biometrika 81:515-526.
    """
    sets = RiskSets(times, events, strata)
    deaths = at_deaths(sets, design, coefficients)
    clock = _clock(times, events, transform)
    clock = clock - clock[deaths.patient].mean()
    hand = clock[deaths.patient]
    slope = hand @ (design[deaths.patient] - deaths.mean)
    plain, mixed, squared = (
        information(sets, design, coefficients, clock**power) for power in (0, 1, 2)
    )
    # What is left of the information on a change, once the coefficients are estimated.
    left = squared - mixed @ np.linalg.solve(plain, mixed)
    rows = []
    for name, columns in {**groups, GLOBAL: range(len(slope))}.items():
        chosen = list(columns)
        chi2 = float("nan")
        if np.ptp(hand) > 0:
            chi2 = _quadratic(slope[chosen], left[np.ix_(chosen, chosen)])
        rows.append((name, len(chosen), chi2, float(scipy.stats.chi2.sf(chi2, len(chosen)))))
    return pd.DataFrame(rows, columns=["term", "df", "chi2", "p"])


class Schoenfeld(NamedTuple):
    """Scaled Schoenfeld residuals: at each death an estimate of the coefficients then."""

    times: Floats
    """(deaths,): moments of death, rising within a stratum."""
    clock: Floats
    """(deaths,): the same by the transform."""
    residuals: Floats
    """(deaths, columns): their mean over time is the coefficient."""
    variance: Floats
    """(columns, columns): variance of one residual, which the band of a smooth needs."""


def scaled_schoenfeld(
    times: Floats,
    events: NDArray[np.bool_],
    design: Floats,
    coefficients: Floats,
    *,
    transform: Transform = "km",
    strata: Ints | None = None,
) -> Schoenfeld:
    """Scaled Schoenfeld residuals, as R's `cox.zph(..., terms = FALSE)` has them.

    Parameters
    ----------
    times, events, design, coefficients, transform, strata
        See `proportional_hazards_tests`.
    """
    sets = RiskSets(times, events, strata)
    deaths = at_deaths(sets, design, coefficients)
    residuals = design[deaths.patient] - _mean_of_tied(deaths)
    observed = information(sets, design, coefficients)
    variance = np.asarray(np.linalg.inv(observed) * len(residuals), np.float64)
    clock = _clock(times, events, transform)
    return Schoenfeld(
        times[deaths.patient],
        clock[deaths.patient],
        residuals @ variance + coefficients,
        variance,
    )


def smooth_residuals(
    residuals: Schoenfeld, column: int, *, confidence: float, at: int = _SMOOTH_AT
) -> pd.DataFrame:
    """Smooth one column's residuals over time: how its log hazard ratio changes.

    Parameters
    ----------
    residuals
        See `scaled_schoenfeld`.
    column
        Which column of the design.
    confidence
        Level of the pointwise band.
    at
        Number of points of the curve.

    Returns
    -------
    clock, time_days, log_hazard, low, high: a natural spline with four degrees
    of freedom, as R's `plot.cox.zph` draws it. Empty if the deaths are at
    fewer than four moments.
    """
    columns = ["clock", "time_days", "log_hazard", "low", "high"]
    x = residuals.clock
    moments, first = np.unique(x, return_index=True)
    if len(moments) < 4:
        return pd.DataFrame(columns=columns, dtype=float)
    points = np.linspace(x.min(), x.max(), at)
    # R takes the inner knots from the curve's points and the residuals' together.
    knots = np.quantile(np.concatenate([points, x]), [0, *_INNER, 1])
    basis = np.column_stack(
        [np.ones(at + len(x)), restricted_cubic_spline(np.concatenate([points, x]), knots)]
    )
    here, there = basis[:at], basis[at:]
    inverse = np.linalg.pinv(there.T @ there)
    height = here @ (inverse @ (there.T @ residuals.residuals[:, column]))
    leverage = np.einsum("ij,jk,ik->i", here, inverse, here)
    z = float(scipy.stats.norm.isf((1 - confidence) / 2))
    reach = z * np.sqrt(residuals.variance[column, column] * leverage)
    days = np.interp(points, moments, residuals.times[first])
    return pd.DataFrame(
        np.column_stack([points, days, height, height - reach, height + reach]), columns=columns
    )


def _mean_of_tied(deaths: Deaths) -> Floats:
    """Means at the deaths, averaged over those of one moment."""
    counts = np.bincount(deaths.moment)
    sums = np.zeros((len(counts), deaths.mean.shape[1]))
    np.add.at(sums, deaths.moment, deaths.mean)
    return np.asarray((sums / counts[:, np.newaxis])[deaths.moment])


def _clock(times: Floats, events: NDArray[np.bool_], transform: Transform) -> Floats:
    """Time of each patient as the transform measures it."""
    if transform == "identity":
        return times
    if transform == "rank":
        return np.asarray(scipy.stats.rankdata(times))
    moments = np.unique(times[events])
    at_risk = np.array([(times >= moment).sum() for moment in moments])
    died = np.array([(events & (times == moment)).sum() for moment in moments])
    alive = np.concatenate([[1.0], np.cumprod(1 - died / at_risk)])
    return np.asarray(1 - alive[np.searchsorted(moments, times)])


def _quadratic(slope: Floats, left: Floats) -> float:
    """The statistic; NaN if no information on a change is left in some direction."""
    size = np.diag(left)
    if not (size > 0).all():
        return float("nan")
    scale = np.sqrt(size)
    scaled = left / np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled)[0] < _LEAST:
        return float("nan")
    return float(slope @ np.linalg.solve(left, slope))
