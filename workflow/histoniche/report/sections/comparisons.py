"""Section on the genes that differ between groups of patients."""

from histoniche.report.blocks import Block, Paragraph, Section, Table, not_run, table
from histoniche.report.numbers import format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records

_TITLE = "Genes between groups of patients"
_Q = 0.05


def comparisons_section(results: Results) -> Section:
    """Report every comparison: who against whom, how many genes differ, and which most."""
    if not results.has("differential", "comparison_groups"):
        return not_run("comparisons", _TITLE, "differential")
    covariates = results.block("differential").get("covariates", [])
    equal = f" at equal {', '.join(covariates)}" if covariates else ""
    text = (
        f"Every gene tested on counts by DESeq2's negative binomial model{equal}. A positive log2 "
        "fold change means more in the first group. q is p after Benjamini-Hochberg over the genes "
        "of the comparison; genes with too few counts to ever pass have none."
    )
    blocks: list[Block] = [
        Paragraph(text),
        *picture_of(
            results, "volcano", "Fold change and p", "Coloured: q < 0.05; the surest are named."
        ),
        _sizes(results),
        _leading(results),
    ]
    return Section("comparisons", _TITLE, blocks)


def _labels(results: Results) -> dict[tuple[str, str], str]:
    """What each group is called, by comparison and group."""
    named = results.table("comparison_groups").drop_duplicates(["comparison", "group"])
    return {(row["comparison"], row["group"]): str(row["label"]) for row in records(named)}


def _sizes(results: Results) -> Table:
    """How many patients are compared, and how many genes differ."""
    labels = _labels(results)
    rows = []
    for name, genes in results.table("differential").groupby("comparison", sort=False):
        sure = genes[genes["q"] < _Q]
        first = genes.iloc[0]
        more = int((sure["log2_fold_change"] > 0).sum())
        rows.append(
            (
                labels[str(name), "case"],
                f"{first['n_case']:,}",
                labels[str(name), "reference"],
                f"{first['n_reference']:,}",
                f"{int(genes['p'].notna().sum()):,}",
                f"{more:,}",
                f"{len(sure) - more:,}",
            )
        )
    heads = ("first group", ">n", "second group", ">n", ">genes tested", ">more", ">less")
    return table("Genes with q < 0.05", heads, rows)


def _leading(results: Results) -> Table:
    """The surest genes of every comparison."""
    labels, genes = _labels(results), results.table("differential")
    number = int(results.block("report").get("top_genes", 8))
    top = genes[genes["q"] < _Q].groupby("comparison", sort=False).head(number)
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
    heads = ("first group", "gene", ">mean count", ">log2 fold change", ">error", ">p", ">q")
    note = f"Up to {number} genes a comparison. All stand in omics/differential.tsv."
    return table("Leading genes", heads, rows, note)
