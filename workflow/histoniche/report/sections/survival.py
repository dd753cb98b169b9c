"""Section on survival."""

import pandas as pd

from histoniche.report.blocks import (
    Block,
    Paragraph,
    Section,
    Table,
    not_run,
    table,
    without_empty_note,
)
from histoniche.report.measures import MEASURES, compared, covariate_name
from histoniche.report.numbers import format_days, format_interval, format_number, format_p, percent
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.wording import count

_MOST_ROWS = 120
_TITLE = "Survival"


def survival_section(results: Results) -> Section:
    """Report survival by area: curves, Cox models, correlations by mutation."""
    if not results.has("groups", "cox", "area_correlation"):
        return not_run("survival", _TITLE, "survival")
    measure = results.block("areas").get("measure", "area_mm2")
    level = percent(results.block("survival").get("confidence", 0.95))
    blocks: list[Block] = [
        Paragraph(
            "Each region's area against survival, in three ways. q is p after Benjamini-Hochberg "
            "over the regions; a p without a small q is what chance gives when several regions "
            f"are tried. Intervals: {level}."
        ),
        *picture_of(
            results,
            "kaplan_meier",
            "Kaplan-Meier curves",
            "Patients with a small and with a large area. The cut was set beforehand, not sought.",
        ),
        _groups(results),
        *picture_of(
            results,
            "cox",
            "Cox models",
            "Hazard ratio above 1: the larger the area, the shorter the survival.",
        ),
        *_cox_tables(results.table("cox"), measure, level),
    ]
    blocks += _proportionality(results.table("cox"))
    blocks += picture_of(
        results,
        "area_survival",
        "Area and survival time by mutation",
        "Correlation of area with the observed time, in all patients and in those whose tumour "
        "carries a mutation.",
    )
    blocks += _outliers(results)
    blocks += _censoring(results.table("area_correlation"))
    if results.has("strata"):
        blocks.append(_strata(results.table("strata")))
    return Section("survival", _TITLE, blocks)


def _outliers(results: Results) -> list[Block]:
    """What is different without outliers, over all patients."""
    if not results.has("outliers"):
        return []
    level = format_p(results.block("survival").get("outlier_p", 0.05))
    found = results.table("outliers")
    if found.empty:
        return [Paragraph(f"Grubbs' test finds no outlier at {level} in time or area.")]
    counts = found["variable"].replace("time_days", "time").value_counts(sort=False)
    listed = ", ".join(f"{name} {size}" for name, size in counts.items())
    text = (
        f"Outliers by Grubbs' test at {level}, repeated until none is left: {listed}. The test "
        "takes values for normal, which areas and times are not, so what it finds is their tail: "
        "the patients stay in, and the row without them only shows whether they carry the result. "
        "They are listed in survival/outliers.tsv."
    )
    return [Paragraph(text)]


def _censoring(links: pd.DataFrame) -> list[Block]:
    """A caution on correlations with times that ended before death."""
    censored = int(links["censored"].max()) if len(links) else 0
    if not censored:
        return []
    text = (
        "The correlations take the observed time as the survival time, as GBM_WSSM did; for "
        f"the {count(censored, 'patient')} still alive that is too short. The Cox models and "
        "the curves do not have this flaw."
    )
    return [Paragraph(text, "caution")]


def _groups(results: Results) -> Table:
    """Both groups of every region with their medians and the log-rank test."""
    names = results.region_names()
    unit = MEASURES[results.block("areas").get("measure", "area_mm2")][1]
    rows = [
        (
            f"{names.get(row['region'], row['region'])} ({row['region']})",
            f"{'up to' if row['group'] == 'low' else 'above'} {format_number(row['cut'])}",
            f"{int(row['n']):,}",
            f"{int(row['events']):,}",
            format_days(row["median_days"], row["median_low"], row["median_high"]),
            format_interval(row["hazard_ratio"], row["hazard_low"], row["hazard_high"]),
            format_p(row["p"]),
            format_p(row["q"]),
            str(row.get("note") or ""),
        )
        for row in records(results.table("groups"))
    ]
    heads = (
        *("region", f"area ({unit})", ">n", ">deaths", ">median survival", ">hazard ratio"),
        *(">p", ">q", "note"),
    )
    note = "Hazard ratio: above the cut against up to it, Cox's model. p: log-rank test."
    return without_empty_note(table("Groups by area, log-rank test", heads, rows, note))


def _cox_tables(cox: pd.DataFrame, measure: str, level: str) -> list[Block]:
    """The models of one term, and those with all covariates if there are covariates."""
    kinds = (True, False) if (cox["model"] != "univariable").any() else (True,)
    return [_cox(cox, measure, level, alone=alone) for alone in kinds]


def _cox(cox: pd.DataFrame, measure: str, level: str, *, alone: bool) -> Table:
    """Every term of the models with one term, or of those with an area and all covariates."""
    chosen = cox[(cox["model"] == "univariable") == alone]
    rows = [
        (
            *(() if alone else (str(row["model"]).removeprefix("multivariable: "),)),
            covariate_name(str(row["term"])),
            compared(str(row["kind"]), str(row["unit"]), measure),
            f"{int(row['n']):,} / {int(row['events']):,}",
            format_interval(row["hazard_ratio"], row["low"], row["high"]),
            format_p(row["p"]),
            *((format_p(row["q"]),) if alone else ()),
            format_p(row["ph_p"]),
            format_interval(row["concordance"], float("nan"), float("nan")),
            str(row.get("note") or ""),
        )
        for row in records(chosen.head(_MOST_ROWS))
    ]
    heads = [
        *(() if alone else ("model of",)),
        "term",
        "unit",
        ">n / deaths",
        f">hazard ratio ({level})",
        ">p",
        *((">q",) if alone else ()),
        ">p of PH",
        ">C-index",
        "note",
    ]
    note = (
        "p of PH: Schoenfeld test of proportional hazards, small if the ratio changes over time. "
        "C-index: 0.5 is chance, 1 perfect."
    )
    if len(chosen) > len(rows):
        note += f" {len(chosen) - len(rows):,} more stand in survival/cox.tsv."
    kind = "of one term" if alone else "of an area with all covariates, complete cases"
    return without_empty_note(table(f"Cox models {kind}", heads, rows, note if alone else ""))


def _proportionality(cox: pd.DataFrame) -> list[Block]:
    """A caution for the area terms whose hazards are not proportional."""
    alone = cox[(cox["model"] == "univariable") & (cox["kind"] == "area")]
    doubtful = [str(term) for term in alone.loc[alone["ph_p"] < 0.05, "term"]]
    if not doubtful:
        return []
    text = (
        f"Hazards are not proportional over time for {', '.join(doubtful)} (p < 0.05): there the "
        "hazard ratio is an average over the follow-up; read the curves."
    )
    return [Paragraph(text, "caution")]


def _strata(strata: pd.DataFrame) -> Table:
    """Which mutated genes made a stratum, and which did not."""
    rows = [
        (
            str(row["gene"]),
            f"{row['profiled']:,}",
            f"{row['mutated']:,}",
            "yes" if row["used"] else "no",
            str(row["reason"] or ""),
        )
        for row in records(strata)
    ]
    heads = ("gene", ">patients profiled", ">mutated", "used", "reason")
    return table("Mutations as strata", heads, rows)
