"""Section on the genes that differ between groups of patients."""

from collections.abc import Iterator

import pandas as pd

from histoniche.omics.comparisons import (
    BY_SURVIVAL,
    differing,
    differing_in_words,
    tested_in_words,
)
from histoniche.report.blocks import Block, Paragraph, Section, Table, not_run, table
from histoniche.report.numbers import format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.wording import join_words

_TITLE = "Genes between groups of patients"
_Q = 0.05


def comparisons_section(results: Results) -> Section:
    """Report every comparison: who against whom, how many genes differ, and which most."""
    if not results.has("differential", "comparison_groups"):
        return not_run("comparisons", _TITLE, "differential")
    covariates = results.block("differential").get("covariates", [])
    equal = f" at equal {', '.join(covariates)}" if covariates else ""
    text = (
        f"Every gene tested by {tested_in_words(_unit(results))}{equal}. A positive log2 fold "
        "change means more in the first group. q is p after Benjamini-Hochberg over the genes of "
        f"the comparison{_without_q(results)}.{_cut_by_survival(results)}"
    )
    blocks: list[Block] = [
        Paragraph(text),
        *picture_of(
            results,
            "volcano",
            "Fold change and p",
            f"Coloured: {differing_in_words(**_rule(results))}; the surest are named.",
        ),
        _sizes(results),
        _leading(results),
        *picture_of(
            results,
            "differing_genes",
            "The surest genes, patient by patient",
            "On the log2 scale, with the fold change, p and q of the test.",
        ),
        *_enriched(results),
    ]
    return Section("comparisons", _TITLE, blocks)


def _cut_by_survival(results: Results) -> str:
    """Which scores survival gave their cut-points, in words; nothing if none."""
    rules = results.block("comparisons").values()
    named = [str(rule["score"]) for rule in rules if rule.get("cut") == BY_SURVIVAL]
    if not named:
        return ""
    return (
        f" {join_words(named)} divided the patients at the cut-point that survival gave in the "
        "training cohort."
    )


def _unit(results: Results) -> str:
    """Unit of the expression."""
    return str(results.block("expression").get("unit", "counts"))


def _without_q(results: Results) -> str:
    """Which genes have no q, or what the tests do not know."""
    if _unit(results) == "counts":
        return "; genes with too few counts to ever pass have none"
    return "; without counts nothing says how few reads stand behind a value"


def _rule(results: Results) -> dict[str, float]:
    """The rule by which a gene differs."""
    settings = results.block("differential")
    return {key: settings[key] for key in ("q", "log2_fold_change")}


def _differing(results: Results, genes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Genes of a comparison by direction."""
    return {way: genes[rows] for way, rows in differing(genes, **_rule(results)).items()}


def _labels(results: Results) -> dict[tuple[str, str], str]:
    """What each group is called, by comparison and group."""
    named = results.table("comparison_groups").drop_duplicates(["comparison", "group"])
    return {(row["comparison"], row["group"]): str(row["label"]) for row in records(named)}


def _sizes(results: Results) -> Table:
    """How many patients are compared, and how many genes differ."""
    labels = _labels(results)
    rows = []
    for name, genes in results.table("differential").groupby("comparison", sort=False):
        sure = _differing(results, genes)
        first = genes.iloc[0]
        rows.append(
            (
                labels[str(name), "case"],
                f"{first['n_case']:,}",
                labels[str(name), "reference"],
                f"{first['n_reference']:,}",
                f"{int(genes['p'].notna().sum()):,}",
                f"{len(sure['up']):,}",
                f"{len(sure['down']):,}",
            )
        )
    heads = ("first group", ">n", "second group", ">n", ">genes tested", ">more", ">less")
    return table(f"Genes with {differing_in_words(**_rule(results))}", heads, rows)


def _leading(results: Results) -> Table:
    """The surest genes of every comparison."""
    labels, genes = _labels(results), results.table("differential")
    number = int(results.block("report").get("top_genes", 8))
    sure = pd.concat(_differing(results, genes).values()).sort_index()
    top = sure.groupby("comparison", sort=False).head(number)
    rows = [
        (
            labels[row["comparison"], "case"],
            str(row["gene"]),
            format_number(row["base_mean"]),
            format_number(row["log2_fold_change"], 2),
            format_number(row["error"], 2),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(top)
    ]
    mean = ">mean count" if _unit(results) == "counts" else f">mean, {_unit(results)}"
    heads = ("first group", "gene", mean, ">log2 fold change", ">error", ">p", ">q")
    note = f"Up to {number} genes a comparison. All stand in omics/differential.tsv."
    return table("Leading genes", heads, rows, note)


def _enriched(results: Results) -> Iterator[Block]:
    """The gene sets that the genes up and those down share more genes with than chance gives."""
    if not results.has("differential_enrichment"):
        return
    yield Paragraph(
        "Gene sets among the genes up (more in the first group) and among those down, by the "
        "hypergeometric test; the background is the comparison's genes with a q. Its p take "
        "genes for independent: sets of genes that rise and fall together have p that are too "
        f"small.{_without_genes(results)}"
    )
    labels, terms = _labels(results), results.table("differential_enrichment")
    number = int(results.block("report").get("top_genes", 8))
    lists, sure = ["comparison", "direction"], terms[terms["q"] < _Q]
    order = sure.groupby(lists, sort=False).ngroup()
    top = sure.sort_values(["q", "p", "term"]).groupby(lists, sort=False).head(number)
    top = top.loc[order.loc[top.index].sort_values(kind="stable").index]
    rows = [
        (
            labels[row["comparison"], "case"],
            f"{row['direction']} ({row['n_genes']:,})",
            str(row["term"]).replace("_", " "),
            str(row["library"]),
            f"{row['overlap']:,} of {row['set_size']:,}",
            format_number(row["expected"], 2),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(top)
    ]
    heads = (
        *("first group", "direction (genes)", "gene set", "library"),
        *(">genes shared", ">by chance", ">p", ">q"),
    )
    note = (
        f"Up to {number} gene sets a comparison and direction, q < 0.05. All stand in "
        "omics/differential_enrichment.tsv."
    )
    if rows:
        yield table("Gene sets of the genes up and down", heads, rows, note)
    else:
        yield Paragraph("No gene set holds after correction.", "caution")


def _without_genes(results: Results) -> str:
    """The comparisons and directions in which no gene differs, in words."""
    labels = _labels(results)
    empty = [
        f"{direction} in {labels[str(name), 'case']}"
        for name, genes in results.table("differential").groupby("comparison", sort=False)
        for direction, rows in _differing(results, genes).items()
        if rows.empty
    ]
    return f" No gene is {' or '.join(empty)}, so nothing was tested there." if empty else ""
