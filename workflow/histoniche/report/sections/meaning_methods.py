"""What was done to find out what signatures stand for, in words, from the settings."""

from collections.abc import Iterator

from histoniche.report.results import Results
from histoniche.wording import join_words

_MEASURES = {
    "overlap_coefficient": "their shared genes as a share of the smaller set",
    "jaccard": "their shared genes as a share of both sets' genes",
}


def meaning_methods(results: Results) -> Iterator[str]:
    """State how rankings, term network, cell types and reference signatures were worked on."""
    enrichment = results.block("enrichment")
    if results.has("gsea"):
        permutations = (enrichment.get("rankings") or {}).get("permutations", 1000)
        yield (
            "Gene sets along rankings: all tested genes of a region ranked by Spearman's ρ; "
            f"enrichment score normalised by {permutations:,} random sets of the same size "
            "(Subramanian et al. 2005); Benjamini-Hochberg within region and library."
        )
    if results.has("term_nodes"):
        network = enrichment.get("network") or {}
        measure = _MEASURES.get(str(network.get("measure")), "their shared genes")
        yield (
            f"Network of gene sets: up to {network.get('top')} sets of a signature and library "
            f"with q < {network.get('q', 0):g}, joined where {measure} is at least "
            f"{network.get('threshold', 0):g}; communities after Blondel et al. 2008."
        )
    if results.has("cell_types"):
        settings = results.block("cell_types")
        markers = join_words(sorted(settings.get("markers") or {}))
        yield (
            f"Cell types of signatures: markers of {markers}, of which at least "
            f"{settings.get('min_markers')} were tested; match score over sets that share "
            f"{settings.get('min_overlap')} genes or more; p from "
            f"{settings.get('permutations', 0):,} random lists of tested genes; Benjamini-Hochberg "
            "within signature."
        )
    if results.has("overlap"):
        names = join_words(sorted(results.block("signatures").get("references") or {}))
        yield (
            f"Overlap with reference signatures ({names}): hypergeometric test against the tested "
            "genes; Benjamini-Hochberg within signature and file."
        )


def meaning_citations(results: Results) -> Iterator[str]:
    """Short names of the publications behind what ran."""
    if results.has("gsea"):
        yield "GSEA"
    if results.has("term_nodes"):
        yield "Louvain"
