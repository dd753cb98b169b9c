"""Sections on what the signatures stand for: rankings, term network, cell types, references."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Section, Table, not_run, table
from histoniche.report.numbers import format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records, top_of_each

_Q = 0.05
_CO_EXPRESSION = (
    "Its p take genes for independent: sets of genes that rise and fall together have p that are "
    "too small."
)


def rankings_section(results: Results) -> Section:
    """Report the gene sets at the ends of the regions' rankings, and the network of terms."""
    title = "Gene sets along the rankings"
    if not results.has("gsea"):
        return not_run("rankings", title, "enrichment.rankings")
    sets = results.table("gsea")
    sure = sets[sets["q"] < _Q]
    blocks: list[Block] = [
        Paragraph(
            "All tested genes of a region ranked by rho, without a threshold: a positive "
            "normalised enrichment score (NES) means that the set's genes rise with the area. "
            f"Pairs of region and gene set with q < 0.05: {len(sure):,}. {_CO_EXPRESSION}"
        ),
        *picture_of(results, "gsea", "Leading gene sets", "Regions across, gene sets down."),
        _rankings(results),
    ]
    return Section("rankings", title, blocks)


def _rankings(results: Results) -> Table:
    """The surest sets of every region."""
    sets = results.table("gsea")
    top, number = _leading(results, sets[sets["q"] < _Q], by="region", then="term")
    rows = [
        (
            str(row["region"]),
            str(row["term"]).replace("_", " "),
            str(row["library"]),
            f"{row['leading']:,} of {row['set_size']:,}",
            format_number(row["nes"], 2),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(top)
    ]
    heads = ("region", "gene set", "library", ">leading genes", ">NES", ">p", ">q")
    note = f"Up to {number} gene sets a region, q < 0.05. All stand in omics/gsea.tsv."
    return table("Leading gene sets", heads, rows, note)


def _leading(
    results: Results, rows: pd.DataFrame, *, by: str, then: str
) -> tuple[pd.DataFrame, int]:
    """The rows of smallest p of each region, in the palette's order, and how many at most."""
    number = int(results.block("report").get("top_genes", 8))
    ranked = rows.sort_values(["p", then], kind="stable")
    return top_of_each(ranked, number, by=by, order=list(results.signature_names())), number


def network_section(results: Results) -> Section:
    """Report which enriched gene sets share their genes."""
    title = "Network of gene sets"
    if not results.has("term_nodes"):
        return not_run("network", title, "enrichment.network")
    text = (
        f"{len(results.table('term_nodes')):,} leading gene sets of all signatures; those that "
        "share many genes are joined, and communities of them are likely one finding. A set's p is "
        "its smallest among the signatures, not corrected for them. omics/term_network.graphml and "
        ".cyjs open in network programs."
    )
    caption = "One dot a gene set, numbered as in the list beside it."
    return Section(
        "network",
        title,
        [Paragraph(text), *picture_of(results, "term_network", "Shared genes", caption)],
    )


def cell_types_section(results: Results) -> Section:
    """Report the cell types whose markers the signatures share."""
    title = "Cell types of the signatures"
    if not results.has("cell_types"):
        return not_run("cell_types", title, "cell_types")
    text = (
        "The match score sums over the genes that a signature shares with a cell type's markers, "
        "each by its rank, and grows with the number of marker sets hit. Scores compare within a "
        f"signature only; p is from random lists of tested genes. {_CO_EXPRESSION}"
    )
    blocks: list[Block] = [
        Paragraph(text),
        *picture_of(results, "cell_types", "Match scores", "The best cell types of a signature."),
        _cell_types(results),
    ]
    return Section("cell_types", title, blocks)


def _cell_types(results: Results) -> Table:
    """The best cell types of every whole signature."""
    types, regions = results.table("cell_types"), results.signature_names()
    hit = types[types["signature"].isin(list(regions)) & (types["match_score"] > 0)]
    top, number = _leading(results, hit, by="signature", then="cell_type")
    rows = [
        (
            str(row["signature"]),
            str(row["cell_type"]),
            str(row["ontology_id"]),
            format_number(row["match_score"], 2),
            format_number(row["expected"], 2),
            f"{row['overlap']:,} of {row['markers']:,}",
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(top)
    ]
    heads = (
        *("signature", "cell type", "Cell Ontology", ">match score", ">by chance"),
        *(">markers shared", ">p", ">q"),
    )
    note = f"Up to {number} cell types a signature, by p. All stand in omics/cell_types.tsv."
    return table("Best cell types", heads, rows, note)


def references_section(results: Results) -> Section:
    """Report how far the signatures agree with signatures of others."""
    title = "Overlap with reference signatures"
    if not results.has("overlap"):
        return not_run("references", title, "signatures.references")
    return Section("references", title, list(_references(results)))


def _references(results: Results) -> Iterator[Block]:
    """Figure and table of the overlaps that hold."""
    yield Paragraph(
        "Genes that a region's signature shares with a reference signature, against what chance "
        f"gives (hypergeometric test, background the tested genes). {_CO_EXPRESSION}"
    )
    yield from picture_of(
        results, "overlap_references", "Shared genes", "Columns: genes in exactly these sets."
    )
    overlaps = results.table("overlap")
    sure = overlaps[overlaps["q"] < _Q].sort_values(["p", "term"], kind="stable").head(40)
    rows = [
        (
            str(row["signature"]),
            str(row["term"]).replace("_", " "),
            str(row["reference"]),
            f"{row['overlap']:,} of {row['set_size']:,}",
            format_number(row["expected"], 2),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(sure)
    ]
    heads = ("signature", "reference signature", "file", ">genes shared", ">by chance", ">p", ">q")
    if rows:
        yield table("Overlaps with q < 0.05", heads, rows, "All stand in omics/overlap.tsv.")
    else:
        yield Paragraph("No overlap holds after correction.", "caution")
