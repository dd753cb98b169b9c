"""Terms of a Cox model: areas and covariates, each as the numbers that enter the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.survival.splines import harrell_knots, restricted_cubic_spline

Declared = Mapping[str, Mapping[str, Any]]
"""Covariates as the config declares them: type, and unit and per, or reference."""


class Term(NamedTuple):
    """One column of a model's design."""

    name: str
    kind: Literal["area", "covariate"]
    unit: str
    """What a hazard ratio compares: per how much, or which levels."""
    values: "pd.Series[float]"
    covariate: str = ""
    """The covariate or area it belongs to; a covariate of several levels has several terms."""
    level: str = ""
    """Level that the term stands for, of a categorical covariate."""
    reference: str = ""
    """Level that it is compared with."""


@dataclass(frozen=True)
class Covariate:
    """How one covariate becomes the columns of a design, learnt once and then fixed."""

    name: str
    type: Literal["numeric", "categorical"]
    unit: str = ""
    per: float = 1.0
    """Amount of a numeric covariate that its hazard ratio is for."""
    levels: tuple[str, ...] = ()
    """Levels of a categorical covariate, the reference first."""
    in_sd: bool = False
    """Whether that amount is a standard deviation."""
    knots: tuple[float, ...] = ()
    """Knots of a restricted cubic spline, in `per` units; a straight line if empty."""
    low: float = 0.0
    """Lowest value of a numeric covariate in the patients it was learnt from."""
    high: float = 0.0

    def columns(self) -> list[str]:
        """Names of its columns: the covariate, `covariate: level`, or the spline's parts."""
        if self.type == "categorical":
            return [f"{self.name}: {level}" for level in self.levels[1:]]
        return [self.name, *(f"{self.name}: bend {i + 1}" for i in range(len(self.knots) - 2))]

    def compared(self) -> list[str]:
        """What the hazard ratio of each column compares."""
        if self.type == "categorical":
            return [f"{level} vs {self.levels[0]}" for level in self.levels[1:]]
        amount = f"{rounded(self.per)} {self.unit}".strip()
        unit = f"per SD ({amount})" if self.in_sd else f"per {amount}"
        return [unit] if not self.knots else ["spline"] * (len(self.knots) - 1)

    def encode(self, patients: pd.DataFrame) -> pd.DataFrame:
        """Columns of some patients, NaN where the covariate is not known.

        Raises
        ------
        InputError
            If the patients have no such covariate, no number where one is
            wanted, or a level that was not there when the covariate was learnt.
        """
        if self.name not in patients:
            remedy = "the model needs it: add it to the table of patients"
            raise InputError("there is no such covariate", column=self.name, remedy=remedy)
        values = patients[self.name]
        if self.type == "numeric":
            numbers = _numbers(values, self.name) / self.per
            if not self.knots:
                return pd.DataFrame({self.name: numbers}, index=patients.index)
            bent = restricted_cubic_spline(np.asarray(numbers, np.float64), np.array(self.knots))
            return pd.DataFrame(bent, index=patients.index, columns=self.columns())
        known = values.notna()
        texts = values.astype(object).map(str)
        strange = sorted(set(texts[known]) - set(self.levels))
        if strange:
            raise InputError(
                f"the model knows no such level (patient {texts.index[texts == strange[0]][0]})",
                column=self.name,
                value=strange[0],
                remedy=f"it was fitted with {', '.join(self.levels)}; leave such patients out",
            )
        return pd.DataFrame(
            {
                name: (texts == level).astype(float).where(known)
                for name, level in zip(self.columns(), self.levels[1:], strict=True)
            },
            index=patients.index,
        )


def learn_covariate(patients: pd.DataFrame, name: str, entry: Mapping[str, Any]) -> Covariate:
    """Learn how a covariate is written as numbers.

    Parameters
    ----------
    patients
        The patients who enter the model; the covariate is known in all.
    name
        The covariate.
    entry
        Its declaration: `type` numeric with `per` (an amount, or "sd" for the
        standard deviation of these patients), `unit` and `knots` (their number,
        for a restricted cubic spline), or categorical with `reference`.

    Returns
    -------
    The covariate. The reference is the most frequent level if none is declared
    or nobody here has the declared one.
    """
    if name not in patients:
        remedy = "add it to the table of patients, or leave it out of the model"
        raise InputError("there is no such covariate", column=name, remedy=remedy)
    values = patients[name]
    if entry["type"] == "numeric":
        numbers, per = _numbers(values, name), entry.get("per", 1)
        unit = str(entry.get("unit", ""))
        if per == "sd":
            spread = float(numbers.std())
            per = spread if spread > 0 else 1.0
        knots: tuple[float, ...] = ()
        if entry.get("knots"):
            scaled = np.asarray(numbers / float(per), dtype=np.float64)
            knots = tuple(float(knot) for knot in harrell_knots(scaled, int(entry["knots"])))
        in_sd = entry.get("per") == "sd"
        low, high = float(numbers.min()), float(numbers.max())
        return Covariate(
            name, "numeric", unit, float(per), in_sd=in_sd, knots=knots, low=low, high=high
        )
    counts = {str(level): int(count) for level, count in values.value_counts().items()}
    frequent = sorted(counts, key=lambda level: (-counts[level], level))
    reference = entry.get("reference")
    if frequent and reference not in frequent:
        reference = frequent[0]
    levels = tuple(sorted(frequent, key=lambda level: (level != reference, level)))
    return Covariate(name, "categorical", levels=levels)


def area_term(area: "pd.Series[float]") -> Term:
    """An area in standard deviations over all patients who have it."""
    spread = float(area.std())
    scaled = area / spread if spread > 0 else area
    name = str(area.name)
    return Term(name, "area", f"per SD ({rounded(spread)})", scaled, covariate=name)


def rounded(amount: float) -> str:
    """An amount with three digits and no exponent."""
    return np.format_float_positional(float(f"{amount:.3g}"), trim="-")


def covariate_terms(patients: pd.DataFrame, name: str, entry: Mapping[str, Any]) -> list[Term]:
    """Terms of one covariate.

    Parameters
    ----------
    patients, name, entry
        See `learn_covariate`.

    Returns
    -------
    One term of a numeric covariate, in `per` units; of a categorical one a
    term for each level but the reference. A covariate with a single level
    gives one constant term.
    """
    covariate = learn_covariate(patients, name, entry)
    if covariate.type == "categorical" and len(covariate.levels) < 2:
        constant = pd.Series(0.0, index=patients.index)
        return [Term(name, "covariate", "", constant, covariate=name)]
    return terms_of(covariate, patients)


def terms_of(covariate: Covariate, patients: pd.DataFrame) -> list[Term]:
    """Terms of a covariate that has been learnt, one a column."""
    columns, compared = covariate.encode(patients), covariate.compared()
    categorical = covariate.type == "categorical"
    levels = covariate.levels[1:] if categorical else [""] * len(compared)
    return [
        Term(
            str(column),
            "covariate",
            unit,
            columns[column],
            covariate=covariate.name,
            level=level,
            reference=covariate.levels[0] if categorical else "",
        )
        for column, unit, level in zip(columns, compared, levels, strict=True)
    ]


def check_references(patients: pd.DataFrame, declared: Declared, names: Sequence[str]) -> None:
    """Raise an InputError if nobody at all has the level declared as reference."""
    for name in names:
        reference = declared[name].get("reference")
        levels = sorted(patients[name].dropna().unique()) if reference is not None else []
        if reference is not None and reference not in levels:
            raise InputError(
                "no patient with follow-up and areas has this level",
                column=f"cohort.covariates.{name}.reference",
                value=reference,
                remedy=f"choose among {', '.join(map(str, levels))}",
            )


def _numbers(values: "pd.Series[Any]", name: str) -> "pd.Series[float]":
    """Values of a numeric covariate; an InputError if one is no finite number."""
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    wrong = values[(values.notna() & ~np.isfinite(numbers.to_numpy(dtype="float64")))]
    if len(wrong):
        raise InputError(
            f"the value of patient {wrong.index[0]} is no finite number",
            column=name,
            value=wrong.iloc[0],
            remedy="correct it, leave it empty, or declare the covariate as categorical",
        )
    return numbers
