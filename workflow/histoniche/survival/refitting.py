"""A Cox model fitted anew in samples of its patients: arrays in, probability of dying out."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.estimation import estimate_from
from histoniche.survival.model_data import ModelData, model_data
from histoniche.survival.partial_likelihood import Baseline, Bools, Floats, RiskSets, baselines


class Refit(NamedTuple):
    """A Cox model of arrays, for thousands of which there is no time to make a `CoxModel`."""

    coefficients: Floats
    """(terms,): log hazard ratios."""
    centre: Floats
    """(terms,): where the linear predictor is 0, the means of the terms."""
    baseline: Baseline

    def linear_predictor(self, design: Floats) -> Floats:
        """Log hazard of each patient against the centre, of a design (patients, terms)."""
        return np.asarray((design - self.centre) @ self.coefficients)

    def death_by(self, design: Floats, day: float) -> Floats:
        """Probability of each patient of dying by a day."""
        reached = self.baseline.at(day)
        return np.asarray(-np.expm1(-reached * np.exp(self.linear_predictor(design))))


def refit(times: Floats, events: Bools, design: Floats) -> Refit | None:
    """Fit a Cox model, ties by Efron's method; None if there is no estimate."""
    sets = RiskSets(times, events)
    found = estimate_from(sets, design)
    if found.note:
        return None
    centre = design.mean(axis=0)
    baseline = baselines(sets, (design - centre) @ found.coefficients)[0]
    return Refit(found.coefficients, centre, baseline)


def data_of(model: CoxModel, patients: pd.DataFrame) -> ModelData:
    """The patients that a model was fitted on, as the arrays to fit it anew.

    Raises
    ------
    InputError
        If one of them is not there, or the model has strata or a penalty.
    """
    if model.strata or model.penalty is not None:
        raise InputError(
            "a model with strata or a penalty is not fitted anew",
            remedy="take a model without them",
        )
    return model_data(model.fitted_on(patients), model.covariates, ())
