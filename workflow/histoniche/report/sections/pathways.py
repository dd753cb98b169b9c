"""Section on the gene sets behind a score, and on survival by their mean expression."""

from collections.abc import Iterator

import pandas as pd

from histoniche.cohort.origins import EXTERNAL
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
from histoniche.report.sections.pathway_methods import cut_in_words
from histoniche.report.survival_words import comparison_in_words, search_in_words
from histoniche.wording import count, join_words

_TITLE = "Biology behind a score"
_MOST_ROWS = 60


def pathways_section(results: Results) -> Section:
    """Report the enriched sets, their correlation with the score, and survival by their genes."""
    if not results.has("pathway_correlation", "pathway_groups"):
        return not_run("pathways", _TITLE, "pathways")
    settings = results.block("pathways")
    rule = results.block("comparisons")[settings["comparison"]]
    blocks: list[Block] = [
        Paragraph(
            f"Which gene sets stand behind {rule['score']}: patients above and up to "
            f"{cut_in_words(rule)} are compared gene by gene; sets enriched in the genes that "
            "differ are scored in every patient; those whose activity goes along with the score "
            "give the genes whose mean expression divides patients here and in other cohorts."
        ),
        Paragraph(
            "The sets were chosen by the score in the same patients in whom their activity is "
            "then correlated with it, so that r tends to be larger than elsewhere and its q "
            "describes rather than tests. Survival had no part in choosing the sets beyond what "
            "it gave the score and the cut-points. The external cohorts are the test.",
            "caution",
        ),
        _chain(results),
        *_correlated(results),
        *_survival(results),
    ]
    return Section("pathways", _TITLE, blocks)


def _chain(results: Results) -> Table:
    """Every decision, in its order."""
    rows = [
        (str(row["step"]), str(row["item"]), f"{int(row['count']):,}", str(row["detail"] or ""))
        for row in records(results.table("pathway_decisions"))
    ]
    heads = ("step", "what", ">number", "rule or detail")
    return table("From the score to the mean expression", heads, rows)


def _correlated(results: Results) -> Iterator[Block]:
    """Sets whose activity goes along with the score."""
    yield Heading("Gene sets")
    rows, limit = results.table("pathway_correlation"), results.block("pathways")["correlation_q"]
    if rows.empty:
        yield Paragraph("No gene set is enriched, so there is nothing to correlate.", "caution")
        return
    sure = rows[rows["q"] < limit].sort_values(["q", "p", "library", "term"], kind="stable")
    yield Paragraph(
        f"{len(sure):,} of {count(len(rows), 'enriched set')} "
        f"{'goes' if len(sure) == 1 else 'go'} along with the score at q < {limit:g}, "
        f"{int((sure['r'] < 0).sum()):,} of them against it; n = {int(rows['n'].iloc[0]):,} "
        "patients with both. q is p after Benjamini-Hochberg over all enriched sets.",
    )
    yield from picture_of(
        results,
        "pathway_activity",
        "Activity of the gene sets",
        "Gene sets by patients in the order of the score.",
    )
    shown = sure if len(sure) else rows.sort_values("p").head(5)
    title = "Sets that go along with the score" if len(sure) else "The surest of the others"
    yield _sets(shown.head(_MOST_ROWS), title)


def _sets(shown: pd.DataFrame, title: str) -> Table:
    """Sets with their enrichment and correlation."""
    cells = [
        (
            str(row["term"]).replace("_", " "),
            str(row["library"]),
            str(row["direction"]),
            format_p(row["enrichment_q"]),
            f"{int(row['size']):,}",
            f"{int(row['n']):,}",
            format_interval(row["r"], row["r_low"], row["r_high"]),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(shown)
    ]
    heads = (
        *("gene set", "library", "in the genes", ">q of enrichment", ">genes", ">patients"),
        *(">r (interval)", ">p", ">q"),
    )
    return table(title, heads, cells, "All stand in omics/pathway_correlation.tsv.")


def _survival(results: Results) -> Iterator[Block]:
    """Survival by the mean expression in every cohort."""
    yield Heading("Survival by the sets' mean expression")
    (cut,) = records(results.table("pathway_cut"))
    groups, genes = results.table("pathway_groups"), results.table("pathway_genes")
    if genes.empty:
        yield Paragraph("No set goes along with the score, so that there is no mean.", "caution")
        return
    yield Paragraph(_what_it_is(results, len(genes)))
    if pd.isna(cut["cut"]):
        yield Paragraph(f"The mean has no cut-point: {cut['note']}.", "caution")
        return
    if cut["rule"] == "maximal":
        yield Paragraph(search_in_words(cut, what="the mean expression"))
    yield _verdict(groups)
    yield from picture_of(
        results,
        "pathway_survival",
        "Survival by the sets' mean expression",
        "Kaplan-Meier curves of the patients up to and above the frozen cut.",
    )
    yield _groups(groups)
    yield Paragraph("In words, for a methods section:", "muted")
    texts = []
    for (origin, cohort), part in groups.groupby(["origin", "cohort"], sort=False):
        frozen = (
            f"frozen at {format_number(cut['cut'])}"
            if origin == EXTERNAL
            else (f"cut at {format_number(cut['cut'])}")
        )
        who = f"{'external ' if origin == EXTERNAL else ''}cohort {cohort}"
        texts.append(comparison_in_words(part, what=f"the sets' mean expression, {who} ({frozen})"))
    yield Bullets(texts)


def _what_it_is(results: Results, genes: int) -> str:
    """What the mean is of, and on which scale."""
    settings = results.block("pathways")
    text = (
        f"The mean is over {count(genes, 'gene')}, each in standard deviations of its log2 "
        f"expression from its mean in the cohort {settings['found_in']}"
    )
    own = [name for name, one in settings["cohorts"].items() if one["normalise"] == "own"]
    if own:
        text += (
            f"; in {join_words(own)} from its mean there, since platforms differ: 0 is then the "
            "mean patient of that cohort, whatever that cohort is like"
        )
    against = int((results.table("pathway_genes")["weight"] < 0).sum())
    if against:
        text += f". {count(against, 'gene counts', 'genes count')} negatively"
    return f"{text}."


def _verdict(groups: pd.DataFrame) -> Paragraph:
    """How many external cohorts bear the frozen cut out."""
    each = groups[groups["origin"] == EXTERNAL].drop_duplicates("cohort")
    if each.empty:
        text = "There is no external cohort here, so that the mean expression is still untested."
        return Paragraph(text, "caution")
    held = each[(each["hazard_low"] > 1) & (each["q"] < 0.05)]
    turned = each[(each["hazard_high"] < 1) & (each["q"] < 0.05)]
    text = (
        f"With the frozen cut, those above it die sooner in {len(held):,} of "
        f"{count(len(each), 'external cohort')} (q < 0.05, interval of the hazard ratio above 1)"
    )
    if len(turned):
        text += f"; in {len(turned):,} they die later"
    return Paragraph(f"{text}.")


def _groups(groups: pd.DataFrame) -> Table:
    """Sizes, medians and tests in every cohort."""
    rows = [
        (
            str(row["cohort"]),
            str(row["origin"]),
            str(row["group"]),
            f"{int(row['n']):,}",
            f"{int(row['events']):,}",
            format_days(row["median_days"], row["median_low"], row["median_high"]),
            format_interval(row["hazard_ratio"], row["hazard_low"], row["hazard_high"]),
            format_p(row["p"]),
            format_p(row["q"]),
            str(row["note"] or ""),
        )
        for row in records(groups)
    ]
    heads = (
        *("cohort", "origin", "group", ">n", ">deaths", ">median survival"),
        *(">hazard ratio", ">p", ">q", "note"),
    )
    note = (
        "Hazard ratio: above the cut against up to it, Cox's model. p: log-rank test; q over the "
        "cohorts that are tested. Other cohorts of the study shared in choosing the sets."
    )
    return without_empty_note(table("Groups by the frozen cut", heads, rows, note))
