"""Section on survival of patients divided by scores and by covariates."""

from collections.abc import Iterator

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
from histoniche.report.numbers import count, format_days, format_interval, format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.report.survival_words import (
    comparison_in_words,
    cut_in_words,
    score_in_words,
    search_in_words,
)

_TITLE = "Survival of groups"
_MOST_TEXTS = 12
_MOST_ROWS = 120


def survival_groups_section(results: Results) -> Section:
    """Report survival by each score's cut-point and by covariates."""
    if not results.has("cut_points", "score_groups"):
        return not_run("survival_groups", _TITLE, "survival_curves")
    blocks = [*_scores(results), *_covariates(results)]
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
    """Sizes, medians and tests of groups by score or covariate."""
    full = results.table(name)
    several = full["cohort"].nunique() > 1
    rows = []
    for row in records(full.head(_MOST_ROWS)):
        if "score" in row:
            what = _score_name(results, str(row["score"]), str(row["kind"]))
            side = {"low": "up to", "high": "above"}.get(str(row["group"]))
            group = f"{side} {format_number(row['cut'])}" if side else ""
        else:
            what, group = str(row["covariate"]), str(row["group"])
        rows.append(
            (
                what,
                *((str(row["cohort"]),) if several else ()),
                group,
                f"{int(row['n']):,}",
                f"{int(row['events']):,}",
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
        *("group", ">n", ">deaths", ">median survival", ">hazard ratio", ">p", ">q", "note"),
    )
    note = "Hazard ratio: the second group against the first, Cox's model. p: log-rank test."
    if len(full) > len(rows):
        note += f" {len(full) - len(rows):,} more rows stand in survival/{name}.tsv."
    return without_empty_note(table(title, heads, rows, note))


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
