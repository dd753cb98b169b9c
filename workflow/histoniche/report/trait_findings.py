"""Sentences on traits for the top of the page: which are told, and which are not."""

from collections.abc import Iterator

import pandas as pd

from histoniche.multiplicity import false_discovery
from histoniche.report.blocks import Finding, caution
from histoniche.report.numbers import format_interval, format_p
from histoniche.report.results import Results, records
from histoniche.report.traits import MACRO, main_round, round_words, tidy
from histoniche.wording import count, join_words

_Q = 0.05
_MOST = 3
_FEW = 10


def trait_findings(results: Results) -> Iterator[Finding]:
    """The traits that are told best, and those that are not."""
    table = told(results)
    if table.empty:
        return
    sure = table[table["holds"]].sort_values(["q", "value"], ascending=[True, False])
    for row in records(sure.head(_MOST)):
        yield Finding(
            f"{row['trait']} is told on slides of patients whom the network had not seen: AUROC of "
            f"patients {_area(row)}, p {format_p(row['p'])}, q {format_p(row['q'])} "
            f"({round_words(row['round'])}).",
            "holds",
        )
    if len(sure) > _MOST:
        others = [f"{row['trait']} {_area(row)}" for row in records(sure.iloc[_MOST:])]
        yield Finding(f"So are {join_words(others)}.", "holds")
    missed = table[~table["holds"]].sort_values("value", ascending=False)
    if len(missed):
        names = [f"{row['trait']} {_area(row)}" for row in records(missed)]
        yield Finding(
            f"No better than chance could be shown, by AUROC of patients: {join_words(names)}.",
            "open",
        )


def trait_cautions(results: Results) -> Iterator[Finding]:
    """How few patients say how well a trait is told."""
    table = told(results)
    fewest = int(table["n_patients"].min()) if len(table) else _FEW
    if fewest < _FEW:
        yield caution(
            f"How well a trait is told rests on {count(fewest, 'test patient')} at the least: "
            "what cannot be shown here may still be there.",
            "traits",
        )


def told(results: Results) -> pd.DataFrame:
    """How well each trait is told on test patients, by what stands for it.

    Returns
    -------
    trait, round, value (AUROC of patients, of several classes their mean), low, high,
    p, n_patients, q (over the traits) and holds: better than chance by q and by the interval.
    Empty where no test patient of a trait has a class.
    """
    if not results.has("trait_metrics") or results.table("trait_metrics").empty:
        return pd.DataFrame()
    metrics = tidy(results.table("trait_metrics"))
    tested = (metrics["set"] == "test") & (metrics["level"] == "patient")
    areas = metrics[tested & (metrics["metric"] == "auroc")].dropna(subset=["value"])
    rows = []
    for trait, every in areas.groupby("trait", sort=False):
        own = every[every["round"] == main_round(every["round"])]
        if len(own):
            single = own[own["class"] != MACRO]
            stands = own[own["class"] == MACRO] if len(single) > 1 else single
            row = records(stands[["round", "value", "low", "high", "p", "n_patients"]])[0]
            rows.append({"trait": trait, **row})
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    table["q"] = false_discovery(table["p"].to_numpy(dtype=float))
    table["holds"] = (table["q"] < _Q) & (table["low"] > 0.5)
    return table


def _area(row: dict[str, object]) -> str:
    """An AUROC with its interval and its patients."""
    value, low, high = (float(str(row[name])) for name in ("value", "low", "high"))
    words = format_interval(value, low, high).removesuffix(")")
    patients = count(int(str(row["n_patients"])), "patient")
    return f"{words}; {patients})" if "(" in words else f"{words} ({patients})"
