"""Survival analyses in the words of a methods section: who, how many events, test, result."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from histoniche.report.numbers import format_days, format_interval, format_number, format_p, percent
from histoniche.score_table import ACTIVITY, AREA, GENE, INDEX
from histoniche.survival.gene_scan import Test
from histoniche.wording import count, join_words


def comparison_in_words(groups: pd.DataFrame, *, what: str) -> str:
    """Say how groups compare.

    Parameters
    ----------
    groups
        `histoniche.survival.comparison.Comparison.groups`.
    what
        What the groups were made by, such as "sex" or "CT area, cut at its median".
    """
    first = groups.iloc[0].to_dict()
    sizes = [
        f"{row['group']} (n {row['n']:,}, {count(int(row['events']), 'death')}, median survival "
        f"{format_days(row['median_days'], row['median_low'], row['median_high'])})"
        for row in groups.to_dict("records")
    ]
    sentences = [
        f"Survival by {what} in {who_in_words(first)}.",
        f"Groups: {join_words(sizes)}.",
        f"{log_rank_in_words(first)}.",
    ]
    ratio = ratio_in_words(groups)
    if ratio:
        sentences.append(f"{ratio[0].upper()}{ratio[1:]}.")
    if first["note"] and pd.notna(first["df"]):
        sentences.append(f"Caution: {first['note']}.")
    level = percent(first["confidence"])
    sentences.append(
        f"Medians by Kaplan-Meier with {level} intervals after Brookmeyer and Crowley."
    )
    return " ".join(sentences)


def score_in_words(score: str, kind: str, regions: Mapping[str, str]) -> str:
    """A score in running text: "area of necrosis (CTne)", "expression of GJB2".

    Parameters
    ----------
    score, kind
        As the tables of scores have them.
    regions
        Name of each region by its code.
    """
    if kind == AREA:
        name = regions.get(score, score)
        return f"area of {name.lower()} ({score})" if name != score else f"area of {score}"
    made = {GENE: "expression of", ACTIVITY: "activity of", INDEX: "heterogeneity index"}.get(
        kind, "score"
    )
    return f"{made} {score.replace('_', ' ') if kind == ACTIVITY else score}"


def cut_in_words(row: Mapping[Any, Any], *, measure: str) -> str:
    """The cut-point and how it was found: "cut at 2.41 mm², the median of 40 training patients".

    Parameters
    ----------
    row
        Of `histoniche.survival.cut_scores.cut_table`.
    measure
        What areas are, a key of `histoniche.report.measures.MEASURES`.
    """
    unit = _unit(row["kind"], measure)
    who = count(int(row["n"]), "training patient")
    found = {
        "median": f"the median of {who}",
        "quantile": f"a quantile of {who}, set beforehand",
        "value": "set beforehand",
        "maximal": f"searched for in {who}",
    }[row["rule"]]
    return f"cut at {format_number(row['cut'])}{unit}, {found}"


def limits_in_words(row: Mapping[Any, Any], *, measure: str) -> str:
    """Limits that were stated in advance: "up to 0.3 against above 0.7".

    Parameters
    ----------
    row
        Of the groups of `histoniche.survival.stated_groups.compare_stated`.
    measure
        What areas are, a key of `histoniche.report.measures.MEASURES`.
    """
    unit = _unit(row["kind"], measure)
    low, high = (f"{format_limit(row[name])}{unit}" for name in ("up_to", "above"))
    return f"up to {low} against above {high}"


def between_in_words(row: Mapping[Any, Any]) -> str:
    """Who was left out between two limits; nothing if the limits are one."""
    if row["up_to"] == row["above"]:
        return ""
    return f"{count(int(row['n_between']), 'patient')} between left out"


def format_limit(value: float) -> str:
    """Write a limit with the digits with which it was stated: 0.5, 1,250.75."""
    return f"{value:,.12g}".replace("-", "−")


def who_in_words(row: Mapping[Any, Any]) -> str:
    """Patients, deaths and follow-up: "228 patients, 165 deaths, median follow-up ..."."""
    known = format_days(row["follow_up_days"], row["follow_up_low"], row["follow_up_high"])
    return (
        f"{count(int(row['n_all']), 'patient')}, {count(int(row['events_all']), 'death')}, "
        f"median follow-up {known} by reverse Kaplan-Meier"
    )


def log_rank_in_words(row: Mapping[Any, Any]) -> str:
    """The log-rank test with its weights, statistic and p, and q where the row has one."""
    name = "Log-rank test"
    if row["rho"] or row["gamma"]:
        name = f"Weighted log-rank test (Fleming-Harrington, ρ {row['rho']:g}, γ {row['gamma']:g})"
    if row["stratified"]:
        name = f"Stratified {name[0].lower()}{name[1:]}"
    if pd.isna(row["df"]):
        return f"No {name[0].lower()}{name[1:]}: {row['note']}"
    if not row["df"]:
        return f"{name}: nothing to compare"
    statistic = f"χ² {format_number(row['statistic'])}, {int(row['df'])} df"
    q = f", q {format_p(row['q'])}" if "q" in row else ""
    return f"{name}: p {format_p(row['p'])}{q} ({statistic})"


def ratio_in_words(groups: pd.DataFrame) -> str:
    """Hazard ratio of two groups with its interval; nothing if there is none."""
    first = groups.iloc[0]
    if groups["hazard_ratio"].isna().all():
        return ""
    names = groups["group"].tolist()
    ratio = format_interval(first["hazard_ratio"], first["hazard_low"], first["hazard_high"])
    return f"hazard ratio of {names[1]} against {names[0]}: {ratio}, Cox"


def _unit(kind: object, measure: str) -> str:
    """Unit of a kind of score, after a space; nothing if it has none."""
    return {"area_mm2": " mm²", "pixels": " pixels"}.get(measure, "") if kind == AREA else ""


def search_in_words(summary: Mapping[Any, Any], *, what: str) -> str:
    """Say what a search for a cut-point found; the p are those corrected for the search.

    Parameters
    ----------
    summary
        The row of `histoniche.survival.maximal_log_rank.MaximalLogRank.summary`.
    what
        The score.
    """
    share = percent(summary["min_share"])
    return (
        f"The cut-point of {what} was searched for in {count(int(summary['n']), 'patient')}, "
        f"{count(int(summary['events']), 'death')}, with at least {share} of them on either "
        f"side: largest standardised log-rank statistic {format_number(summary['statistic'])} "
        f"at {format_number(summary['cut'])}. Corrected for the search: "
        f"{corrected_in_words(summary)}. A cut that was searched for is tested in other patients."
    )


def corrected_in_words(summary: Mapping[Any, Any]) -> str:
    """Both corrected p of a search."""
    schumacher = f"p {format_p(summary['p_lausen_schumacher'])} after Lausen and Schumacher"
    if not summary["permutations"]:
        return schumacher
    permuted = f"p {format_p(summary['p_permutation'])} by {int(summary['permutations']):,}"
    return f"{permuted} permutations, {schumacher}"


def scan_in_words(table: pd.DataFrame, *, test: Test, level: float) -> str:
    """Say what a scan over all genes found.

    Parameters
    ----------
    table
        What `histoniche.survival.gene_scan` gives.
    test
        Which scan it was.
    level
        q below which a gene counts as found.
    """
    tested = table[table["p"].notna()]
    if tested.empty:
        return "No gene could be tested."
    found = tested[tested["q"] < level]
    worse = int((found["log_hazard"] > 0).sum())
    how = {
        "cox": "Cox's regression (Efron's ties, Wald's test, each gene in standard deviations)",
        "log_rank": "the log-rank test between patients above and up to the gene's cut-point, "
        "a quantile set beforehand",
    }[test]
    text = (
        f"{count(len(tested), 'gene')} were tested one by one for survival in "
        f"{count(int(tested['n'].iloc[0]), 'patient')}, "
        f"{count(int(tested['events'].iloc[0]), 'death')}, by {how}. "
        f"{count(len(found), 'gene has', 'genes have')} q < {level:g} (Benjamini-Hochberg): in "
        f"{worse:,} more is worse, in {len(found) - worse:,} better."
    )
    notes = table.loc[table["note"] != "", "note"].value_counts()
    if len(notes):
        listed = "; ".join(f"{note} ({number:,})" for note, number in notes.items())
        text += f" Flagged: {listed}."
    return text
