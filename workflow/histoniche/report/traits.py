"""What is told of traits, in words, and the order in which it stands."""

from collections.abc import Iterable

import pandas as pd

ENSEMBLE = "ensemble"
"""Round under which the vote of several networks stands."""

OUT_OF_FOLD = "out_of_fold"
"""Round of a cross-validation: each slide by the network that tests it."""

MACRO = "macro"
"""Class under which the mean over all classes, one against the rest, stands."""

ALL = "all"
"""Class, or step of a chain, under which what is of all classes together stands."""

LEVEL_NAMES = {"tile": "Tiles", "slide": "Slides", "patient": "Patients"}
METRIC_NAMES = {
    "auroc": "AUROC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "accuracy": "accuracy",
}
SET_NAMES = {"test": "Test", "near": "OOD-near", "ood": "OOD-all"}
SET_WORDS = {
    "test": "patients whom the network had not seen",
    "near": "values next to the cuts, above against below the median",
    "ood": "all values between the cuts, above against below the median",
}
"""Sets of patients that a trait is evaluated on."""


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """A table of metrics, curves or scores in the words that the figures use.

    Parameters
    ----------
    table
        With `round` or `model` (a number, `ensemble` or `out_of_fold`), `set` (`test`,
        `near` or `ood_near`, `ood` or `ood_all`), counts as `n_patients` and
        `n_slides` or `patients` and `slides`, and perhaps `class`.

    Returns
    -------
    The first of these names each, rounds and classes as text.
    """
    named = table.rename(columns={"patients": "n_patients", "slides": "n_slides", "model": "round"})
    for name in ("class", "round", "set"):
        if name not in named:
            named = named.assign(**{name: ""})
    return named.assign(
        round=named["round"].map(_round),
        set=named["set"].replace({"ood_near": "near", "ood_all": "ood"}),
        **{"class": named["class"].fillna("").astype(str)},
    )


def main_round(rounds: Iterable[str]) -> str | None:
    """Round that stands for a trait: the ensemble, out of fold, or the only one; else none."""
    known = set(rounds)
    for name in (ENSEMBLE, OUT_OF_FOLD):
        if name in known:
            return name
    return known.pop() if len(known) == 1 else None


def round_words(name: str) -> str:
    """A round that stands for a trait, in words."""
    return {ENSEMBLE: "ensemble", OUT_OF_FOLD: "out of fold"}.get(name, "one network")


def span(numbers: Iterable[float]) -> str:
    """Smallest and largest count, or the only one."""
    low, high = (f"{int(one):,}" for one in (min(numbers), max(numbers)))
    return low if low == high else f"{low} to {high}"


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


def standing(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows of all classes together and of the class that stands for them.

    Parameters
    ----------
    metrics
        class, metric: of one trait, comparison or step of a chain.

    Returns
    -------
    Of several classes their mean; of two the positive one, without its accuracy, which is
    that of both.
    """
    several = (metrics["class"] == MACRO).any()
    together = metrics["class"] == ALL
    if several:
        return metrics[together | (metrics["class"] == MACRO)]
    return metrics[together | (metrics["metric"] != "accuracy")]


def _round(value: object) -> str:
    """A round as text: 0, 1, ..., ensemble."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
