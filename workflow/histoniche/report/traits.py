"""What is told of traits, in words, and the order in which it stands."""

from collections.abc import Iterable

import pandas as pd

ENSEMBLE = "ensemble"
"""Round under which the vote of several networks stands."""

MACRO = "macro"
"""Class under which the mean over all classes, one against the rest, stands."""

LEVEL_NAMES = {"tile": "Tiles", "slide": "Slides", "patient": "Patients"}
SET_NAMES = {"test": "Test", "near": "OOD-near", "ood": "OOD-all"}
SET_WORDS = {
    "test": "patients who were set aside",
    "near": "values next to the cuts, above against below the median",
    "ood": "all values between the cuts, above against below the median",
}
"""Sets of patients that a trait is evaluated on."""


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """A table of metrics or curves with `class`, and rounds and classes as text.

    Counts may be named `patients` and `slides` as well as `n_patients` and `n_slides`.
    """
    named = table.rename(columns={"patients": "n_patients", "slides": "n_slides"})
    if "class" not in named:
        named = named.assign(**{"class": ""})
    return named.assign(
        round=named["round"].map(_round),
        **{"class": named["class"].fillna("").astype(str)},
    )


def main_round(rounds: Iterable[str]) -> str | None:
    """Round that stands for a trait: the ensemble, else the only one, else none."""
    known = set(rounds)
    if ENSEMBLE in known:
        return ENSEMBLE
    return known.pop() if len(known) == 1 else None


def in_order(values: Iterable[str], known: Iterable[str]) -> list[str]:
    """Values in a known order; unknown ones last, by name."""
    order = list(known)
    place = {value: number for number, value in enumerate(order)}
    return sorted(set(values), key=lambda value: (place.get(value, len(order)), value))


def headline(metrics: pd.DataFrame, classes: Iterable[str]) -> str:
    """Class whose AUROC stands for a trait: the positive one of two, else the macro average."""
    names = list(classes)
    return (
        names[1]
        if len(names) == 2 and names[1] in set(metrics["class"])
        else (MACRO if MACRO in set(metrics["class"]) else "")
    )


def _round(value: object) -> str:
    """A round as text: 0, 1, ..., ensemble."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
