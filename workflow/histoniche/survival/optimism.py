"""How much worse a model will do in new patients: Harrell's bootstrap, the model refitted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.randomness import generator
from histoniche.survival.calibration import (
    calibration_measures,
    group_gaps,
    risk_cuts,
    risk_grid,
    smooth_calibration,
)
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.estimation import estimate_from
from histoniche.survival.follow_up import check_day, resamples
from histoniche.survival.partial_likelihood import Bools, Floats, RiskSets, log_likelihood
from histoniche.survival.refitting import Refit, data_of, refit

INDICES = ("slope", "r2", "d", "u", "q", "g", "ici", "e50", "e90")


class Validation(NamedTuple):
    """Apparent and corrected performance of a model in the patients it was fitted on."""

    indices: pd.DataFrame
    """index, apparent, training, test, optimism, corrected, error, bootstraps."""
    groups: pd.DataFrame
    """group, from, to, n, predicted, observed, optimism, corrected, bootstraps."""
    curve: pd.DataFrame
    """predicted, observed, optimism, corrected, bootstraps."""


def validate_model(
    model: CoxModel,
    patients: pd.DataFrame,
    *,
    days: float,
    seed: int,
    groups: int = 4,
    knots: int = 3,
    bootstraps: int = 500,
) -> Validation:
    """Correct a model's fit and calibration for having been fitted on the same patients.

    In each bootstrap sample the model is fitted anew and measured there and on all
    patients; the mean difference is the optimism, which is taken off what is apparent.
    Only the fit is repeated. A score that was itself learned from these patients, or
    covariates chosen by their outcome, make more optimism than this can see.

    Parameters
    ----------
    model
        Fitted on these patients.
    patients
        time_days, event and the covariates.
    days
        Day at which calibration is measured.
    seed
        Seed of the run.
    groups, knots
        See `histoniche.survival.calibration.calibrate`.
    bootstraps
        Number of samples.

    Returns
    -------
    Indices: slope, r2 (Nagelkerke's), d, u, q (discrimination, unreliability and
    quality), g (Gini's mean difference of the linear predictor) as `rms::validate` in R;
    ici, e50, e90 as `histoniche.survival.calibration.calibration_measures`. `bootstraps`
    counts the samples in which the model could be fitted, `error` is the Monte-Carlo
    standard error of what is corrected. The slope of a model with one weak covariate is a
    ratio of two small numbers in every sample; a large error says that its mean is unsteady.

    Raises
    ------
    InputError
        If one of the patients the model was fitted on is not there, follow-up does not
        reach the day, or the model has no estimate in any sample.

    References
    ----------
    Harrell, Lee and Mark 1996, Stat Med 15:361-387.
    """
    data = data_of(model, patients)
    time, event, design = data.times, data.events, data.design
    check_day(time, event, days)
    samples = resamples(len(time), bootstraps, generator(seed, "optimism", f"{days:g}"))
    risk = np.asarray(model.death_by(model.fitted_on(patients), days), dtype=np.float64)
    cuts = risk_cuts(risk, groups)
    return validate_design(time, event, design, days=days, cuts=cuts, samples=samples, knots=knots)


def validate_design(
    time: Floats,
    event: Bools,
    design: Floats,
    *,
    days: float,
    cuts: Sequence[float] | Floats,
    samples: NDArray[np.int64],
    knots: int = 3,
) -> Validation:
    """As `validate_model`, from arrays and samples (bootstraps, patients) of their places."""
    own = refit(time, event, design)
    if own is None:
        remedy = "leave out a covariate, or join its rare levels"
        raise InputError("the model has no estimate in these patients", remedy=remedy)
    predicted = own.death_by(design, days)
    measure = _Measure(days, np.asarray(cuts, dtype=np.float64), knots, risk_grid(predicted))
    apparent = measure.of(own, time, event, design, fitted_here=True)
    pairs = [pair for pair in (measure.pair(time, event, design, s) for s in samples) if pair]
    if not pairs:
        raise InputError(
            f"the model could be fitted in none of {len(samples)} bootstrap samples",
            remedy="take fewer covariates, or more bootstraps",
        )
    table = _averaged(apparent, *(np.array(side) for side in zip(*pairs, strict=True)))
    return _split(table, time, event, predicted, measure)


def _averaged(apparent: Floats, training: Floats, test: Floats) -> pd.DataFrame:
    """Mean over the samples of each number, from those where both sides are known."""
    missing = np.isnan(training + test)
    used = (~missing).sum(axis=0)
    gap = np.where(missing, 0.0, training - test)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [np.where(missing, 0.0, side).sum(axis=0) / used for side in (training, test)]
        optimism = gap.sum(axis=0) / used
        spread = np.where(missing, 0.0, gap - optimism) ** 2
        error = np.sqrt(spread.sum(axis=0) / (used - 1) / used)
    columns = {"training": means[0], "test": means[1], "optimism": optimism}
    corrected = {"corrected": apparent - optimism, "error": error, "bootstraps": used}
    return pd.DataFrame({"apparent": apparent, **columns, **corrected})


class _Measure(NamedTuple):
    """What is measured of every fit, in one row of numbers: indices, groups, curve."""

    days: float
    cuts: Floats
    knots: int
    grid: Floats

    def pair(
        self, time: Floats, event: Bools, design: Floats, sample: NDArray[np.int64]
    ) -> tuple[Floats, Floats] | None:
        """Measures of the model of one sample, there and in all patients; None without a fit."""
        here = time[sample], event[sample], design[sample]
        model = refit(*here)
        if model is None:
            return None
        training = self.of(model, *here, fitted_here=True)
        test = self.of(model, time, event, design, fitted_here=False)
        indices = slice(len(INDICES))
        known = np.isfinite(training[indices]).all() and np.isfinite(test[indices]).all()
        return (training, test) if known else None

    def of(
        self, model: Refit, time: Floats, event: Bools, design: Floats, *, fitted_here: bool
    ) -> Floats:
        """All numbers of a fitted model in some patients."""
        risk = model.death_by(design, self.days)
        smooth = smooth_calibration(time, event, risk, self.days, self.knots)
        calibration = calibration_measures(time, event, risk, days=self.days, smooth=smooth)
        predictor = design @ model.coefficients
        quality = _quality(time, event, predictor, fitted_here=fitted_here)
        distances = [calibration[name] for name in ("ici", "e50", "e90")]
        gaps = group_gaps(time, event, risk, self.days, self.cuts)
        return np.concatenate([quality, distances, gaps, smooth(self.grid)])


def _quality(time: Floats, event: Bools, predictor: Floats, *, fitted_here: bool) -> list[float]:
    """Slope, R2, D, U, Q and g, as rms::validate has them; NaN without an estimate."""
    sets = RiskSets(time, event)
    found = estimate_from(sets, predictor[:, np.newaxis])
    slope = 1.0 if fitted_here else float(found.coefficients[0])
    deviance = -2 * found.null_log_likelihood
    ratio = 2 * (found.log_likelihood - found.null_log_likelihood)
    n = len(time)
    r2 = (1 - np.exp(-ratio / n)) / (1 - np.exp(-deviance / n))
    unreliability = -2 / deviance
    if not fitted_here:
        frozen = log_likelihood(sets, predictor[sets.order])
        unreliability = -2 * (frozen - found.log_likelihood) / deviance
    discrimination = (ratio - 1) / deviance
    ginis = abs(slope) * mean_difference(predictor)
    quality = discrimination - unreliability
    return [slope, float(r2), discrimination, unreliability, quality, ginis]


def mean_difference(values: Floats) -> float:
    """Gini's mean difference: the mean distance between two patients' values."""
    n = len(values)
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(2 * (ranks * np.sort(values)).sum() / (n * (n - 1)))


def _split(
    table: pd.DataFrame, time: Floats, event: Bools, predicted: Floats, measure: _Measure
) -> Validation:
    """Cut the one row of numbers into its three tables."""
    groups = len(measure.cuts) - 1
    first, second = len(INDICES), len(INDICES) + groups
    indices = table.iloc[:first].reset_index(drop=True)
    indices.insert(0, "index", INDICES)
    gaps = table.iloc[first:second].reset_index(drop=True)
    place = np.searchsorted(measure.cuts[1:-1], predicted, side="left")
    means = [predicted[place == group].mean() for group in range(groups)]
    bounds = {"from": measure.cuts[:-1], "to": measure.cuts[1:]}
    sizes = {"n": np.bincount(place, minlength=groups), "predicted": means}
    observed = {"observed": gaps["apparent"] + means, "optimism": gaps["optimism"]}
    fixed = {"corrected": observed["observed"] - gaps["optimism"], "bootstraps": gaps["bootstraps"]}
    head = {"group": np.arange(groups) + 1}
    line = table.iloc[second:].reset_index(drop=True)
    line = line.rename(columns={"apparent": "observed"})
    line.insert(0, "predicted", measure.grid)
    curve = line[["predicted", "observed", "optimism", "corrected", "bootstraps"]]
    return Validation(
        indices, pd.DataFrame({**head, **bounds, **sizes, **observed, **fixed}), curve
    )
