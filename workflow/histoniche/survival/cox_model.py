"""A fitted Cox model that is kept in a file and applied to new patients."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from histoniche.cohort.splits import patient_digest
from histoniche.errors import InputError
from histoniche.files import read_json, write_json
from histoniche.survival.estimation import Penalty
from histoniche.survival.partial_likelihood import Baseline
from histoniche.survival.terms import Covariate

_VERSION = 2
_APART = " / "


@dataclass(frozen=True)
class CoxModel:
    """A Cox model, fitted and fixed: all that is needed to apply it to new patients."""

    covariates: tuple[Covariate, ...]
    """How each covariate is written as columns: units, levels, knots."""
    coefficients: tuple[float, ...]
    """Log hazard ratio of each column, in their order."""
    centre: tuple[float, ...]
    """Where the linear predictor is 0: means of numeric columns, the reference levels."""
    strata: tuple[str, ...]
    """Covariates whose levels have a baseline hazard each."""
    baselines: Mapping[str, tuple[tuple[float, float], ...]]
    """Cumulative hazard at the centre, by stratum: (day, hazard from it on). The stratum is
    the levels joined by " / ", or "" without strata."""
    last_day: Mapping[str, float]
    """Longest follow-up of each stratum; beyond it the model predicts nothing."""
    ties: Literal["efron", "breslow"]
    penalty: Penalty | None
    n: int
    events: int
    parameters: float
    """Degrees of freedom: see `histoniche.survival.estimation.Estimate`."""
    log_likelihood: float
    null_log_likelihood: float
    """With all coefficients 0."""
    patients: tuple[str, ...]
    """Digests of those it was fitted on, so that the model's file names nobody."""

    @property
    def aic(self) -> float:
        """Akaike's criterion: smaller is better, among models of the same patients."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def longest(self) -> float:
        """Longest follow-up, in days."""
        return max(self.last_day.values())

    def columns(self) -> list[str]:
        """Names of the coefficients."""
        return [column for covariate in self.covariates for column in covariate.columns()]

    def linear_predictor(self, patients: pd.DataFrame) -> "pd.Series[float]":
        """Log hazard of each patient against the centre: higher = worse.

        Parameters
        ----------
        patients
            The covariates by patient.

        Returns
        -------
        By patient; NaN where a covariate is not known. With strata it does not
        compare patients of different strata: see `risk_score`.

        Raises
        ------
        InputError
            If a covariate is missing or has a level that the model does not know.
        """
        parts = [covariate.encode(patients) for covariate in self.covariates]
        design = np.column_stack([part.to_numpy(dtype="float64") for part in parts])
        values = (design - np.array(self.centre)) @ np.array(self.coefficients)
        return pd.Series(values, index=patients.index, name="linear_predictor")

    def fitted_on(self, patients: pd.DataFrame) -> pd.DataFrame:
        """The patients that the model was fitted on; an InputError if one is not there."""
        seen = set(self.patients)
        mine = patients.loc[[patient_digest(str(patient)) in seen for patient in patients.index]]
        if len(mine) != self.n:
            raise InputError(
                f"{len(mine)} of the {self.n} patients that the model was fitted on are there",
                remedy="give the patients it was fitted on",
            )
        return mine

    def baseline(self, stratum: str = "") -> Baseline:
        """Cumulative hazard of a stratum at the centre, where the linear predictor is 0."""
        steps = np.array(self.baselines.get(stratum, ()), dtype=np.float64).reshape(-1, 2)
        return Baseline(steps[:, 0], steps[:, 1])

    def baseline_survival(self, day: float, stratum: str = "") -> float:
        """Share alive after a day at the centre; an InputError beyond the longest follow-up."""
        self._check_day(day)
        return float(np.exp(-self.baseline(stratum).at(day)))

    def survival(self, patients: pd.DataFrame, days: Sequence[float]) -> pd.DataFrame:
        """Probability of being alive after some days.

        Parameters
        ----------
        patients
            The covariates, and the strata if there are any, by patient.
        days
            Days since the start of follow-up.

        Returns
        -------
        Patients by days, 0 to 1; NaN where a covariate is not known or the day is
        beyond the longest follow-up of those the model was fitted on.

        Raises
        ------
        InputError
            See `linear_predictor`; also if a stratum is not known.
        """
        moments = np.asarray(days, dtype=np.float64)
        strata = stratum_names(patients, self.strata)
        strange = sorted(set(strata.dropna()) - set(self.last_day))
        if strange:
            raise InputError(
                "the model knows no such stratum",
                column=_APART.join(self.strata),
                value=strange[0],
                remedy=f"it was fitted with {', '.join(sorted(self.last_day))}",
            )
        hazard = np.full((len(patients), len(moments)), np.nan)
        for stratum, last in self.last_day.items():
            mine = self.baseline(stratum).at(moments)
            hazard[(strata == stratum).to_numpy()] = np.where(moments <= last, mine, np.nan)
        ratio = np.exp(self.linear_predictor(patients).to_numpy())
        alive = np.exp(-hazard * ratio[:, np.newaxis])
        return pd.DataFrame(alive, index=patients.index, columns=list(days))

    def death_by(self, patients: pd.DataFrame, day: float) -> "pd.Series[float]":
        """Probability of each patient of dying by a day: what calibration looks at.

        Parameters
        ----------
        patients
            See `survival`.
        day
            Above 0, and not beyond the longest follow-up.

        Returns
        -------
        By patient, 0 to 1; NaN where a covariate is not known, or the stratum's follow-up
        ends before the day.

        Raises
        ------
        InputError
            If the model says nothing about the day; see also `survival`.
        """
        self._check_day(day)
        return (1 - self.survival(patients, [day])[day]).rename("death_by")

    def risk_score(self, patients: pd.DataFrame, day: float) -> "pd.Series[float]":
        """What ranks the patients, no probability: higher = worse.

        The linear predictor; with strata the log cumulative hazard at the day,
        which also counts the stratum's own hazard.
        """
        if not self.strata:
            return self.linear_predictor(patients).rename("risk_score")
        with np.errstate(divide="ignore"):
            return np.log(-np.log(self.survival(patients, [day])[day])).rename("risk_score")

    def _check_day(self, day: float) -> None:
        """Raise an InputError if the model says nothing about a day."""
        if not 0 < day <= self.longest:
            raise InputError(
                f"the model knows survival up to {self.longest:g} days, its longest follow-up",
                column="days",
                value=day,
                remedy="choose an earlier day above 0",
            )


def stratum_names(patients: pd.DataFrame, strata: Sequence[str]) -> "pd.Series[str]":
    """Stratum of each patient: the levels joined by " / ", None where one is not known."""
    for name in strata:
        if name not in patients:
            remedy = "the model is stratified by it: add it to the table of patients"
            raise InputError("there is no such covariate", column=name, remedy=remedy)
    if not strata:
        return pd.Series("", index=patients.index, dtype=object)
    chosen = patients[list(strata)]
    names = [_APART.join(map(str, row)) for row in chosen.itertuples(index=False)]
    return pd.Series(names, index=patients.index, dtype=object).where(chosen.notna().all(axis=1))


def write_models(models: Mapping[str, CoxModel], path: Path) -> None:
    """Write models by name as JSON."""
    named = {name: asdict(model) for name, model in models.items()}
    write_json({"version": _VERSION, "models": named}, path)


def read_models(path: Path) -> dict[str, CoxModel]:
    """Read the models that `write_models` wrote, by name.

    Raises
    ------
    InputError
        If the file holds none, or the parts of one do not go together.
    """
    remedy = "fit the models again"
    try:
        content = read_json(path)
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']}, not {_VERSION}")
        return {name: _model_of(entry) for name, entry in content["models"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            "these are no Cox models", file=path, value=str(error), remedy=remedy
        ) from None


def _model_of(entry: Mapping[str, Any]) -> CoxModel:
    """One model from its JSON."""
    covariates = tuple(
        Covariate(**{key: _frozen(value) for key, value in covariate.items()})
        for covariate in entry["covariates"]
    )
    parts = {key: _frozen(value) for key, value in entry.items()}
    parts |= {
        "covariates": covariates,
        "baselines": {name: _frozen(steps) for name, steps in entry["baselines"].items()},
        "penalty": None if entry["penalty"] is None else Penalty(*entry["penalty"]),
    }
    model = CoxModel(**parts)
    if {len(model.columns())} != {len(model.coefficients), len(model.centre)}:
        raise ValueError("as many coefficients as columns are needed")
    if set(model.baselines) != set(model.last_day):
        raise ValueError("every stratum needs a baseline hazard")
    return model


def _frozen(value: Any) -> Any:
    """Lists of JSON as the tuples they were."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
