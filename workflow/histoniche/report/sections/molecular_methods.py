"""What was done with genes and cells, in words, from the settings."""

from collections.abc import Iterator

from histoniche.omics.comparisons import differing_in_words, tested_in_words
from histoniche.report.numbers import percent
from histoniche.report.results import Results
from histoniche.report.sections.meaning_methods import meaning_methods
from histoniche.report.sections.pathway_methods import pathway_methods
from histoniche.wording import join_words

_UNITS = {
    "counts": "Counts were scaled to counts per million of the patient's library",
    "tpm": "Transcripts per million were taken as they are",
    "fpkm": "FPKM values were taken as they are",
    "fpkm_uq": "Upper-quartile FPKM values were taken as they are",
    "log2": "Values on the log2 scale were taken as they are",
}

_COUNTED = " after independent filtering (PyDESeq2; Love et al. 2014; Muzellec et al. 2023)"
_MODERATED = " (Smyth 2004; Law et al. 2014)"


def molecular_methods(results: Results) -> Iterator[str]:
    """State how expression, signatures, gene sets and cells were worked on, step by step."""
    yield from _omics(results)
    yield from meaning_methods(results)
    yield from _activity(results)
    yield from pathway_methods(results)
    yield from _cells(results)


def _measured(results: Results) -> str:
    """What genes are correlated with."""
    return join_words(["each region's area", *results.signed_scores()])


def _omics(results: Results) -> Iterator[str]:
    """Expression, signatures, enrichment."""
    expression = results.block("expression")
    if results.has("correlation") and expression:
        yield (
            f"{_UNITS[expression.get('unit', 'counts')]}. A gene was tested if its value was above "
            f"{expression.get('detected_above'):g} in at least {expression.get('min_patients')} "
            f"patients: Spearman correlation with {_measured(results)}."
        )
        permutations = results.block("signatures").get("permutations")
        if permutations:
            yield (
                f"Family-wise p: {permutations:,} permutations of the patients, step-down maxT "
                "over the genes of a region (Westfall and Young 1993)."
            )
    if results.has("differential"):
        unit = str(expression.get("unit", "counts"))
        yield (
            f"Genes between groups: {tested_in_words(unit)}, Benjamini-Hochberg"
            f"{_COUNTED if unit == 'counts' else _MODERATED}."
        )
    if results.has("differential_enrichment"):
        rule = {key: results.block("differential")[key] for key in ("q", "log2_fold_change")}
        yield (
            f"Gene sets of the genes up and down ({differing_in_words(**rule)}): hypergeometric "
            "test; the genes of the comparison with a q are the background; Benjamini-Hochberg "
            "within comparison, direction and library."
        )
    if results.has("enrichment"):
        sets = results.block("enrichment")
        yield (
            "Enrichment: hypergeometric test of each signature against gene sets of "
            f"{sets.get('min_size')} to {sets.get('max_size')} tested genes; the tested genes are "
            "the background; Benjamini-Hochberg within signature and library."
        )


def _activity(results: Results) -> Iterator[str]:
    """Activity of gene sets in single patients."""
    settings = results.block("activity")
    correlated, compared = (
        results.has(f"activity_{name}") for name in ("correlation", "comparison")
    )
    if not (correlated or compared):
        return
    sizes = f"gene sets of {settings.get('min_size')} to {settings.get('max_size')} tested genes"
    method = (
        "single-sample GSEA"
        if settings.get("method") == "ssgsea"
        else f"GSVA ({settings.get('kernel')} kernel)"
    )
    tests = [
        *(["Spearman correlation with every score"] if correlated else []),
        *(["between groups Mann-Whitney's or Kruskal-Wallis's test"] if compared else []),
    ]
    yield (
        f"Activity of {sizes}: {method}; {join_words(tests)}; Benjamini-Hochberg within score or "
        "grouping and library."
    )


def _cells(results: Results) -> Iterator[str]:
    """Single cells and ligand-receptor pairs."""
    if results.has("cells"):
        settings = results.block("single_cell")
        unit = (
            "scaled to 10,000 counts a cell and logged"
            if settings.get("unit") == "counts"
            else "taken as log(1 + counts per 10,000)"
        )
        yield (
            f"Single cells: those with {settings.get('min_genes')} genes and a mitochondrial share "
            f"of {percent(settings.get('max_mitochondrial_share', 1))} at most, {unit}; map by "
            "UMAP; signature scores as by Satija et al. 2015 (scanpy)."
        )
    if results.has("interactions"):
        yield (
            "Ligand-receptor pairs: LR score of SingleCellSignalR in each patient; labels shuffled "
            "within the patient for p; a pair between two types over all patients has the largest "
            "of their p (Nichols et al. 2005)."
        )
