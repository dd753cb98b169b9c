"""Part of the section on models: how well they predict each cohort, and the differences."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Table, table
from histoniche.report.numbers import MISSING, format_interval, format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.survival.cohort_performance import year_name
from histoniche.survival.cohorts import TRAINING

_MOST_ROWS = 60


def performance_blocks(results: Results, level: str) -> list[Block]:
    """Report how well every model predicts every cohort; `level` is that of the intervals."""
    measured = results.table("model_performance")
    return [
        _agreement(measured),
        *_apparent(measured),
        *_reversed(measured),
        *_differences(results, level),
        *picture_of(
            results,
            "models_auc",
            "Telling who dies sooner",
            "Area under the ROC curve by the years since diagnosis.",
        ),
        _auc(measured, _years(results)),
        *picture_of(
            results,
            "models_brier",
            "Error of the predicted survival",
            "Brier score; a model is of use where it lies below the curve without a model.",
        ),
        _brier(measured, _years(results), level),
    ]


def _agreement(measured: pd.DataFrame) -> Table:
    """Concordance and AIC by model and cohort."""
    noted = bool((measured["note"] != "").any())
    rows = [
        (
            str(row["model"]),
            str(row["cohort"]),
            f"{int(row['n']):,} / {int(row['events']):,}",
            _measure(row, "harrell"),
            _measure(row, "uno"),
            format_number(row["aic"], 4),
            *((str(row["note"]),) if noted else ()),
        )
        for row in records(measured)
    ]
    heads = [
        *("model", "cohort", ">n / deaths", ">C-index (Harrell)", ">C-index (Uno)", ">AIC"),
        *(("note",) if noted else ()),
    ]
    note = (
        "C-index: of two patients, how often the one who died sooner had the higher predicted "
        "risk; 0.5 is chance, 1 perfect, and below 0.5 the risk points the wrong way. Uno's allows "
        "for the patients lost before, and looks no further than the last year. AIC: lower is "
        "better; it compares models with the same strata, on the training patients only."
    )
    return table("C-index and AIC by model and cohort", heads, rows, note)


def _measure(row: Mapping[str, Any], name: str, *, decimals: int = 2) -> str:
    """A number with its interval."""
    ends = row[f"{name}_low"], row[f"{name}_high"]
    return format_interval(row[name], *ends, decimals=decimals)


def _apparent(measured: pd.DataFrame) -> list[Block]:
    """A caution on numbers from the patients that a model was fitted to."""
    text = "In the training cohort a model predicts the patients it was fitted to, which flatters."
    if (measured["cohort"] == TRAINING).all():
        text += " No other cohort is here, so that these numbers are no validation."
    return [Paragraph(text, "caution")]


def _reversed(measured: pd.DataFrame) -> list[Block]:
    """A caution where a higher risk went with longer survival; the sign is never turned."""
    below = measured[measured["harrell"].round(2) < 0.5]
    if below.empty:
        return []
    parts = []
    for row in records(below):
        sure = "beyond chance" if row["harrell_high"] < 0.5 else "within chance"
        parts.append(f"{row['model']} in {row['cohort']}, {_measure(row, 'harrell')}, {sure}")
    text = (
        f"C-index below 0.5: {'; '.join(parts)}. Below it, patients at the higher predicted "
        "risk lived longer. The sign of a risk is that of the training and is not turned "
        "afterwards."
    )
    return [Paragraph(text, "caution")]


def _differences(results: Results, level: str) -> list[Block]:
    """Differences between every two models, and the test of what the larger one has more."""
    found = results.table("model_differences")
    if found.empty:
        return []
    kinds = {"harrell": "Harrell", "uno": "Uno"}
    rows = [
        (
            f"{row['second']} − {row['first']}",
            str(row["cohort"]),
            kinds[str(row["kind"])],
            f"{int(row['n']):,} / {int(row['events']):,}",
            _turned(row),
            format_p(row["p"]),
            format_p(row["q"]),
            _ratio_test(row) if row["kind"] == "harrell" else "",
        )
        for row in records(found.head(_MOST_ROWS))
    ]
    heads = (
        *("models", "cohort", "C-index", ">n / deaths", f">difference ({level})", ">p", ">q"),
        ">likelihood-ratio test",
    )
    note = (
        "Above 0: the first-named model orders the patients better. p: paired test on the same "
        "patients; it is cautious where one model holds all of the other, and there the "
        "likelihood-ratio test in the training cohort asks more sharply whether what the larger "
        "model has more tells anything. q: over all pairs and cohorts of one kind of C-index."
    )
    if len(found) > len(rows):
        note += f" {len(found) - len(rows):,} more stand in survival/model_differences.tsv."
    return [table("Differences between the models", heads, rows, note)]


def _turned(row: Mapping[str, Any]) -> str:
    """Second model minus first, with the interval; the table has first minus second."""
    return format_interval(*(0.0 - row[name] for name in ("difference", "high", "low")), decimals=3)


def _ratio_test(row: Mapping[str, Any]) -> str:
    """Likelihood-ratio test of two nested models."""
    if pd.isna(row["lr_p"]):
        return MISSING
    statistic = f"χ² {format_number(row['lr_chi2'])}, {int(row['lr_df'])} df"
    return f"p {format_p(row['lr_p'])} ({statistic})"


def _years(results: Results) -> list[str]:
    """Names of the years at which the models are measured."""
    return [year_name(year) for year in results.block("survival_models").get("years", [1, 2, 3])]


def _auc(measured: pd.DataFrame, years: Sequence[str]) -> Table:
    """AUC at the years by model and cohort."""
    rows = [
        (
            str(row["model"]),
            str(row["cohort"]),
            f"{int(row['n']):,} / {int(row['events']):,}",
            *(_measure(row, f"auc_{year}") for year in years),
        )
        for row in records(measured)
    ]
    heads = ("model", "cohort", ">n / deaths", *(f">AUC at {_spelt(year)}" for year in years))
    note = (
        "Of one who died by then and one who was alive after it, how often the first had the "
        "higher predicted risk. Not given where fewer than five are on one side."
    )
    return table("AUC by model and cohort", heads, rows, note)


def _brier(measured: pd.DataFrame, years: Sequence[str], level: str) -> Table:
    """Brier scores at the years and over them, beside those without a model."""
    places = [(f"brier_{year}", f"brier_null_{year}", _spelt(year)) for year in years]
    rows = [
        (
            str(row["model"]),
            str(row["cohort"]),
            f"{int(row['n']):,} / {int(row['events']):,}",
            when,
            _measure(row, name, decimals=3),
            format_number(row[null]),
            _measure(row, "ibs_gain") if name == "ibs" else "",
        )
        for row in records(measured)
        for name, null, when in [*places, ("ibs", "ibs_null", "on average")]
    ]
    heads = (
        *("model", "cohort", ">n / deaths", "at", f">Brier score ({level})", ">Kaplan-Meier"),
        ">gain",
    )
    note = (
        "Squared error of the predicted survival, lower is better, beside that of the Kaplan-Meier "
        "curve of the same patients, which is no model. On average: integrated up to the last "
        "year. Gain: by what share the average is lower than Kaplan-Meier's; below 0 the model "
        "predicts worse than no model. Intervals: bootstrap."
    )
    return table("Brier score by model and cohort", heads, rows, note)


def _spelt(year: str) -> str:
    """A year in words: 1 year, 2 years."""
    number = year.removesuffix("y")
    return f"{number} year" if number == "1" else f"{number} years"
