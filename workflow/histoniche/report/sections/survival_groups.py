"""Section on survival of patients divided by scores, stated limits and covariates."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from histoniche.report.blocks import (
    Block,
    Bullets,
    Heading,
    Paragraph,
    Section,
    Table,
    not_run,
    table,
    without_empty_note,
)
from histoniche.report.numbers import format_days, format_interval, format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.report.survival_words import (
    between_in_words,
    comparison_in_words,
    cut_in_words,
    format_limit,
    limits_in_words,
    score_in_words,
    search_in_words,
)
from histoniche.survival.cohort_comparison import SIDES
from histoniche.survival.stated_groups import COMPARISON
from histoniche.wording import count

_TITLE = "Survival of groups"
_MOST_TEXTS = 12
_MOST_ROWS = 120


def survival_groups_section(results: Results) -> Section:
    """Report survival by each score's cut-point, by stated limits and by covariates."""
    if not results.has("cut_points", "score_groups"):
        return not_run("survival_groups", _TITLE, "survival_curves")
    blocks = [*_scores(results), *_stated(results), *_covariates(results)]
    return Section("survival_groups", _TITLE, blocks)


def _scores(results: Results) -> Iterator[Block]:
    """Groups by score: cut-points, curves, tests."""
    cuts, groups = results.table("cut_points"), results.table("score_groups")
    searched = results.block("survival_curves")["cut"]["rule"] == "maximal"
    yield Heading("By score")
    yield Paragraph(
        "Each score divides the patients at one cut-point, found in the training cohort alone and "
        "applied, unchanged, to every other cohort. q is p after Benjamini-Hochberg over the "
        "scores of a cohort. A hazard ratio above 1 says that those above the cut die sooner."
    )
    if searched:
        yield Paragraph(
            "The cuts were searched for: of all cuts the one was taken that sets survival furthest "
            "apart. In the training patients only the p corrected for the search counts; curves "
            "and medians there look better than they are, and no log-rank test or hazard ratio is "
            f"given. {_tested_elsewhere(groups)}",
            "caution",
        )
        yield from picture_of(
            results,
            "cut_search",
            "Search for the cut-points",
            "The log-rank statistic at every cut, and the cut where it is largest.",
        )
        yield _searches(results)
    yield from picture_of(
        results,
        "score_groups",
        "Survival by score",
        "Kaplan-Meier curves of the patients up to and above the cut.",
    )
    yield _groups(results, "score_groups", "Groups by score")
    texts = []
    for row in records(cuts[cuts["cut"].notna()]):
        name = _score_name(results, str(row["score"]), str(row["kind"]))
        if searched:
            texts.append(search_in_words(row, what=f"the {name}"))
        cut = cut_in_words(row, measure=_measure(results))
        for cohort, part in groups[groups["score"] == row["score"]].groupby("cohort", sort=False):
            what = f"{name}{_of(cohort, groups)} ({cut})"
            texts.append(comparison_in_words(part, what=what))
    yield from _in_words(texts, "survival/score_groups.tsv")


def _stated(results: Results) -> Iterator[Block]:
    """Groups by limits that were stated in advance: curves and tests."""
    if not results.has("stated_groups"):
        return
    groups = results.table("stated_groups")
    yield Heading("By stated limits")
    yield Paragraph(
        "Patients up to one limit of a score against those above another. The limits were stated "
        "in advance, so that nothing was searched for and every cohort is a test, the training "
        "cohort too unless the score was fitted to its survival. Patients between two limits are "
        "left out and counted. q is p after Benjamini-Hochberg over these comparisons of a cohort."
    )
    yield from picture_of(
        results,
        "stated_groups",
        "Survival by stated limits",
        "Kaplan-Meier curves of the patients up to the first limit and above the second.",
    )
    yield _groups(results, "stated_groups", "Groups by stated limits")
    texts = []
    for _, part in groups.groupby([*COMPARISON, "cohort"], sort=False):
        row = part.iloc[0].to_dict()
        name = _score_name(results, row["score"], row["kind"])
        limits = f"{limits_in_words(row, measure=_measure(results))}, stated in advance"
        told = "; ".join(words for words in (limits, between_in_words(row)) if words)
        what = f"{name}{_of(row['cohort'], groups)} ({told})"
        texts.append(comparison_in_words(part, what=what))
    yield from _in_words(texts, "survival/stated_groups.tsv")


def _covariates(results: Results) -> Iterator[Block]:
    """Groups by covariate: curves, tests, pairs and trends."""
    if not results.has("covariate_groups"):
        return
    groups = results.table("covariate_groups")
    yield Heading("By covariate")
    yield Paragraph(
        "Survival by the levels of covariates, within each cohort. q is p after "
        "Benjamini-Hochberg over the covariates of a cohort."
    )
    yield from picture_of(
        results, "covariate_groups", "Survival by covariate", "Kaplan-Meier curves of the levels."
    )
    yield _groups(results, "covariate_groups", "Groups by covariate")
    yield from _pairs(results.table("covariate_pairs"))
    yield from _trends(results.table("covariate_trends"))
    texts = [
        comparison_in_words(part, what=f"{name}{_of(cohort, groups)}")
        for (name, cohort), part in groups.groupby(["covariate", "cohort"], sort=False)
        if part["n_all"].iloc[0]
    ]
    yield from _in_words(texts, "survival/covariate_groups.tsv")


def _in_words(texts: list[str], file: str) -> Iterator[Block]:
    """One text an analysis, as a methods section wants it."""
    if not texts:
        return
    yield Paragraph("In words, for a methods section:", "muted")
    shown = texts[:_MOST_TEXTS]
    if len(texts) > len(shown):
        shown.append(f"{count(len(texts) - len(shown), 'analysis', 'analyses')} more: see {file}.")
    yield Bullets(shown)


def _tested_elsewhere(groups: pd.DataFrame) -> str:
    """Whether there are other patients in whom the cut was tested."""
    others = [name for name in groups["cohort"].unique() if name != "training"]
    if others:
        return f"The cut was then tested in the cohorts: {', '.join(others)}."
    return "There is no other cohort here, so the cuts still have to be tested in other patients."


def _searches(results: Results) -> Table:
    """What each search found."""
    rows = [
        (
            _score_name(results, str(row["score"]), str(row["kind"])),
            f"{int(row['n']):,} / {int(row['events']):,}",
            format_number(row["cut"]),
            format_number(row["statistic"]),
            format_p(row["p_permutation"]),
            format_p(row["p_lausen_schumacher"]),
            format_p(row["q"]),
            str(row["note"] or ""),
        )
        for row in records(results.table("cut_points"))
    ]
    heads = (
        *("score", ">n / deaths", ">cut", ">largest statistic", ">p by permutation"),
        *(">p after Lausen and Schumacher", ">q", "note"),
    )
    note = (
        "Both p are corrected for the search. Lausen and Schumacher's is an approximation for many "
        "cuts and tends to be too large for few. All cuts stand in survival/cut_search.tsv."
    )
    return without_empty_note(table("Cut-points found in the training cohort", heads, rows, note))


def _groups(results: Results, name: str, title: str) -> Table:
    """Sizes, medians and tests of groups by score, stated limits or covariate."""
    full = results.table(name)
    several, stated = full["cohort"].nunique() > 1, "up_to" in full
    rows = []
    for row in records(full.head(_MOST_ROWS)):
        if "score" in row:
            what = _score_name(results, str(row["score"]), str(row["kind"]))
            group = _side(row)
        else:
            what, group = str(row["covariate"]), str(row["group"])
        rows.append(
            (
                what,
                *((str(row["cohort"]),) if several else ()),
                group,
                f"{int(row['n']):,}",
                f"{int(row['events']):,}",
                *((f"{int(row['n_between']):,}",) if stated else ()),
                format_days(row["median_days"], row["median_low"], row["median_high"]),
                format_interval(row["hazard_ratio"], row["hazard_low"], row["hazard_high"]),
                format_p(row["p"]),
                format_p(row["q"]),
                str(row["note"] or ""),
            )
        )
    heads = (
        "score" if "score" in full else "covariate",
        *(("cohort",) if several else ()),
        *("group", ">n", ">deaths"),
        *((">left out between",) if stated else ()),
        *(">median survival", ">hazard ratio", ">p", ">q", "note"),
    )
    note = "Hazard ratio: the second group against the first, Cox's model. p: log-rank test."
    if len(full) > len(rows):
        note += f" {len(full) - len(rows):,} more rows stand in survival/{name}.tsv."
    return without_empty_note(table(title, heads, rows, note))


def _side(row: Mapping[str, Any]) -> str:
    """Values of a score in a group; nothing where no patient makes a group."""
    if row["group"] not in SIDES:
        return ""
    low = row["group"] == SIDES[0]
    if "cut" in row:
        limit = format_number(row["cut"])
    else:
        limit = format_limit(row["up_to"] if low else row["above"])
    return f"{'up to' if low else 'above'} {limit}"


def _pairs(pairs: pd.DataFrame) -> Iterator[Block]:
    """Tests of every level against every other."""
    if pairs.empty:
        return
    method = {"holm": "Holm", "bh": "Benjamini-Hochberg"}[str(pairs["correction"].iloc[0])]
    rows = [
        (
            str(row["covariate"]),
            str(row["cohort"]),
            f"{row['group_a']} ({row['n_a']:,}, {count(int(row['events_a']), 'death')})",
            f"{row['group_b']} ({row['n_b']:,}, {count(int(row['events_b']), 'death')})",
            format_number(row["statistic"]),
            format_p(row["p"]),
            format_p(row["p_corrected"]),
            str(row["note"] or ""),
        )
        for row in records(pairs.head(_MOST_ROWS))
    ]
    heads = ("covariate", "cohort", "level (n)", "level (n)", ">χ²", ">p", ">corrected p", "note")
    note = f"Corrected by {method} over the pairs of a covariate and cohort."
    if len(pairs) > len(rows):
        note += f" {len(pairs) - len(rows):,} more stand in survival/covariate_pairs.tsv."
    yield without_empty_note(table("Pairs of levels, log-rank tests", heads, rows, note))


def _trends(trends: pd.DataFrame) -> Iterator[Block]:
    """Tests of trend over ordered levels."""
    if trends.empty:
        return
    rows = [
        (
            str(row["covariate"]),
            str(row["cohort"]),
            str(row["order"]),
            f"{int(row['n']):,} / {int(row['events']):,}",
            format_number(row["z"]),
            format_p(row["p"]),
            format_p(row["q"]),
            str(row["note"] or ""),
        )
        for row in records(trends)
    ]
    heads = ("covariate", "cohort", "order", ">n / deaths", ">z", ">p", ">q", "note")
    note = "z above 0: the higher the level, the sooner death (Tarone's test)."
    yield without_empty_note(table("Trend over ordered levels", heads, rows, note))


def _score_name(results: Results, score: str, kind: str) -> str:
    """A score in running text."""
    return score_in_words(score, kind, results.region_names())


def _measure(results: Results) -> str:
    """What areas are."""
    return str(results.block("areas").get("measure", "area_mm2"))


def _of(cohort: object, groups: pd.DataFrame) -> str:
    """The cohort, where there are several."""
    return f", {cohort} cohort" if groups["cohort"].nunique() > 1 else ""
