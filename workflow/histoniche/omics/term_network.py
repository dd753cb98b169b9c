"""Network of the gene sets that lead the enrichment: which of them hold the same genes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import pandas as pd

from histoniche.files import whole_file, write_json
from histoniche.omics.gene_sets import admissible_sets, tested_genes
from histoniche.randomness import derived_seed
from histoniche.tables import read_table, write_table

Measure = Literal["overlap_coefficient", "jaccard"]

NODES: dict[str, Any] = {
    "node": object,
    "term": object,
    "library": object,
    "signature": object,
    "signatures": object,
    "p": "float64",
    "q": "float64",
    "size": "int64",
    "degree": "int64",
    "community": "int64",
}
EDGES: dict[str, Any] = {
    "source": object,
    "target": object,
    "shared": "int64",
    "overlap_coefficient": "float64",
    "jaccard": "float64",
    "weight": "float64",
}


def build_term_network(
    enrichment: Path,
    correlation: Path,
    gene_sets: Mapping[str, Path],
    *,
    nodes: Path,
    edges: Path,
    graphml: Path,
    cytoscape: Path,
    top: int,
    q: float,
    measure: Measure,
    threshold: float,
    seed: int,
) -> None:
    """Join the leading gene sets of all signatures by the genes they share.

    Parameters
    ----------
    enrichment
        What `histoniche.omics.enrichment.enrich_signatures` wrote.
    correlation
        What `histoniche.omics.correlation.correlate_expression` wrote; gene
        sets are reduced to its tested genes.
    gene_sets
        The libraries of the enrichment: GMT files by short name.
    nodes
        Written: a row a gene set, see `choose_terms` and `term_graph`; degree
        is its number of edges.
    edges
        Written: source, target, shared (genes), overlap_coefficient, jaccard, weight.
    graphml, cytoscape
        Written: the same as GraphML, and as JSON that Cytoscape opens (`.cyjs`).
    top, q
        See `choose_terms`.
    measure, threshold
        See `term_graph`.
    seed
        The run's seed.
    """
    background = tested_genes(correlation)
    terms = choose_terms(read_table(enrichment), top=top, q=q)
    sets = {
        (library, term): members
        for library in terms["library"].unique()
        for term, members in admissible_sets(
            gene_sets[library], background, min_size=1, max_size=len(background)
        ).items()
    }
    graph = term_graph(
        terms,
        sets,
        measure=measure,
        threshold=threshold,
        seed=derived_seed(seed, "term network"),
    )
    rows = [
        {"node": node, "degree": graph.degree[node], **about} for node, about in graph.nodes.items()
    ]
    joined = [
        {"source": source, "target": target, **about}
        for (source, target), about in graph.edges.items()
    ]
    write_table(pd.DataFrame(rows, columns=list(NODES)).astype(NODES), nodes)
    write_table(pd.DataFrame(joined, columns=list(EDGES)).astype(EDGES), edges)
    with whole_file(graphml) as temporary:
        nx.write_graphml_xml(graph, temporary)
    write_json(nx.cytoscape_data(graph), cytoscape)


def choose_terms(enrichment: pd.DataFrame, *, top: int, q: float) -> pd.DataFrame:
    """Gene sets that lead some signature.

    Parameters
    ----------
    enrichment
        signature, library, term, p, q.
    top
        Most sets of one signature and library, those with the smallest p.
    q
        Largest q of a set.

    Returns
    -------
    A row a set, by library and term: library, term, signature (where its p is
    smallest), signatures (all in which it leads, joined by semicolons), p and q
    (the smallest; p is not corrected for the choice among signatures).
    """
    ranked = enrichment[enrichment["q"] <= q].sort_values(["p", "signature", "term"], kind="stable")
    leading = ranked.groupby(["signature", "library"], sort=False).head(top)
    columns = ["library", "term", "signature", "signatures", "p", "q"]
    rows = [
        (
            library,
            term,
            found["signature"].iloc[0],
            ";".join(found["signature"]),
            found["p"].iloc[0],
            found["q"].iloc[0],
        )
        for (library, term), found in leading.groupby(["library", "term"])
    ]
    return pd.DataFrame(rows, columns=columns)


def term_graph(
    terms: pd.DataFrame,
    sets: Mapping[tuple[str, str], frozenset[str]],
    *,
    measure: Measure,
    threshold: float,
    seed: int,
) -> nx.Graph:
    """Graph of gene sets, an edge where two share enough genes.

    Parameters
    ----------
    terms
        What `choose_terms` gives.
    sets
        Genes by library and term.
    measure
        `overlap_coefficient`, the shared genes by those of the smaller set, or
        `jaccard`, by those of either; each in [0, 1].
    threshold
        Least measure of an edge; an edge shares at least one gene.
    seed
        Seed of the communities.

    Returns
    -------
    Graph whose nodes, called "library: term", have term, library, signature,
    signatures, p, q, size (genes) and community, and whose edges have shared,
    overlap_coefficient, jaccard and weight, which is the chosen measure.
    Communities are Louvain's (resolution 1), numbered from 1 by their smallest p;
    a set without an edge is one of its own.

    References
    ----------
    Merico et al. 2010, PLoS ONE 5:e13984, doi:10.1371/journal.pone.0013984.
    Blondel et al. 2008, J Stat Mech P10008, doi:10.1088/1742-5468/2008/10/P10008.
    """
    graph = nx.Graph()
    members = {}
    for row in terms.to_dict(orient="records"):
        name = f"{row['library']}: {row['term']}"
        members[name] = sets[row["library"], row["term"]]
        graph.add_node(name, **{str(key): value for key, value in row.items()})
        graph.nodes[name]["size"] = len(members[name])
    names = list(members)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            about = _similarity(members[one], members[other])
            if about["shared"] and about[measure] >= threshold:
                graph.add_edge(one, other, **about, weight=about[measure])
    p = nx.get_node_attributes(graph, "p")
    found = nx.community.louvain_communities(graph, weight="weight", seed=seed) if names else []
    for number, community in enumerate(
        sorted(found, key=lambda part: min((p[node], node) for node in part)), start=1
    ):
        for node in community:
            graph.nodes[node]["community"] = number
    return graph


def _similarity(one: frozenset[str], other: frozenset[str]) -> dict[str, Any]:
    """Genes that two sets share, as a number and by the smaller set and by either."""
    shared = len(one & other)
    return {
        "shared": shared,
        "overlap_coefficient": shared / min(len(one), len(other)),
        "jaccard": shared / len(one | other),
    }
