"""Section on survival by every gene."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Section, Table, not_run, table
from histoniche.report.numbers import format_interval, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.report.survival_words import scan_in_words
from histoniche.survival.gene_scan import Test

_TITLE = "Survival by every gene"
_TESTS: dict[Test, str] = {"cox": "Cox's regression", "log_rank": "Log-rank test"}


def gene_survival_section(results: Results) -> Section:
    """Report the scans of all genes for survival."""
    ran: list[Test] = [test for test in _TESTS if results.has(f"genes_{test}")]
    if not ran:
        return not_run("gene_survival", _TITLE, "gene_survival")
    blocks: list[Block] = [
        Paragraph(
            "Every gene alone against survival, in the training cohort. Genes rise and fall "
            "together: many with a small q may tell one story. What is found here is to be tested "
            "in other patients, and beside the clinical covariates."
        )
    ]
    for test in ran:
        blocks += _scan(results, test)
    return Section("gene_survival", _TITLE, blocks)


def _scan(results: Results, test: Test) -> Iterator[Block]:
    """One scan: words, figure, leading genes."""
    genes = results.table(f"genes_{test}")
    level = float(results.block("gene_survival").get("q", 0.05))
    yield Paragraph(scan_in_words(genes, test=test, level=level))
    yield from picture_of(
        results,
        f"genes_{test}",
        f"{_TESTS[test]} of every gene",
        "Right: more of the gene goes with shorter survival.",
    )
    yield _leading(results, genes, test)


def _leading(results: Results, genes: pd.DataFrame, test: Test) -> Table:
    """The surest genes in either direction, whether or not they pass."""
    number = int(results.block("report").get("top_genes", 8))
    ranked = genes.dropna(subset=["p"]).sort_values(["p", "gene"])
    worse = ranked["log_hazard"] > 0
    top = pd.concat([ranked[worse].head(number), ranked[~worse].head(number)])
    rows = [
        (
            str(row["gene"]),
            "shorter" if row["log_hazard"] > 0 else "longer",
            f"{int(row['n']):,} / {int(row['events']):,}",
            format_interval(row["hazard_ratio"], row["low"], row["high"]),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(top)
    ]
    heads = ("gene", "survival where high", ">n / deaths", ">hazard ratio", ">p", ">q")
    unit = {
        "cox": "Hazard ratio of one standard deviation of the gene.",
        "log_rank": "Hazard ratio above the cut against up to it, by Peto's method.",
    }[test]
    note = f"{unit} The {number} of smallest p in either direction; all stand in "
    title = f"Leading genes: {_TESTS[test]}"
    return table(title, heads, rows, f"{note}survival/genes_{test}.tsv.")
