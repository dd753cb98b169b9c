"""The network of leading gene sets."""

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jaccard

from histoniche.errors import InputError
from histoniche.omics.term_network import (
    EDGES,
    NODES,
    build_term_network,
    choose_terms,
    term_graph,
)
from histoniche.tables import read_table, write_table


def hits(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["signature", "library", "term", "p"])
    return table.assign(q=2 * table["p"])


def graph_of(sets: dict[str, str], **settings: Any) -> nx.Graph:
    terms = choose_terms(
        hits(*(("CT", "L", name, 0.001 * k) for k, name in enumerate(sets, 1))), top=99, q=1
    )
    by_name = {("L", name): frozenset(genes) for name, genes in sets.items()}
    return term_graph(
        terms, by_name, **{"measure": "jaccard", "threshold": 0.3, "seed": 1, **settings}
    )


def test_leading_sets_of_each_signature_and_library_are_chosen_once() -> None:
    table = hits(
        ("CT", "a", "x", 0.001),
        ("CT", "a", "y", 0.002),
        ("CT", "a", "z", 0.003),
        ("CT", "b", "x", 0.02),
        ("IT", "a", "y", 0.0001),
        ("IT", "b", "w", 0.4),
    )
    chosen = choose_terms(table, top=2, q=0.05)
    assert chosen.to_numpy().tolist() == [
        ["a", "x", "CT", "CT", 0.001, 0.002],
        ["a", "y", "IT", "IT;CT", 0.0001, 0.0002],
        ["b", "x", "CT", "CT", 0.02, 0.04],
    ]


def test_edges_join_sets_that_share_enough_by_the_chosen_measure() -> None:
    sets = {"A": "abcdef", "B": "ab", "C": "fgh", "D": "xyz"}
    by_jaccard = graph_of(sets, threshold=1 / 3)
    assert {frozenset(edge) for edge in by_jaccard.edges} == {frozenset({"L: A", "L: B"})}
    by_smaller = graph_of(sets, measure="overlap_coefficient", threshold=1 / 3)
    assert {frozenset(edge) for edge in by_smaller.edges} == {
        frozenset({"L: A", "L: B"}),
        frozenset({"L: A", "L: C"}),
    }
    assert by_smaller.edges["L: A", "L: B"] == {
        "shared": 2,
        "overlap_coefficient": 1,
        "jaccard": pytest.approx(1 / 3),
        "weight": 1,
    }
    everything = graph_of(sets, threshold=0)
    assert not everything.adj["L: D"], "sets that share no gene have no edge whatever the threshold"


def test_jaccard_is_scipys() -> None:
    rng = np.random.default_rng(0)
    letters = np.array([*"abcdefghijklmnopqrst"])
    sets = {f"S{k}": "".join(rng.choice(letters, rng.integers(3, 15), False)) for k in range(12)}
    graph = graph_of(sets, threshold=0)
    assert len(graph.edges) > 50
    for one, other, about in graph.edges(data=True):
        masks = [
            [letter in sets[name.removeprefix("L: ")] for letter in letters]
            for name in (one, other)
        ]
        assert about["jaccard"] == pytest.approx(1 - jaccard(*masks))


def test_planted_communities_are_found_and_numbered_by_their_smallest_p() -> None:
    rng = np.random.default_rng(1)
    sets = {}
    for k in range(24):
        alphabet = np.array([*("abcdefgh", "ijklmnop", "qrstuvwx")[k % 3]])
        sets[f"S{k}"] = "".join(rng.choice(alphabet, 6, replace=False))
    sets["alone"] = "yz"
    graph = graph_of(sets)
    found = nx.get_node_attributes(graph, "community")
    assert all(found[f"L: S{k}"] == k % 3 + 1 for k in range(24))
    assert found["L: alone"] == 4
    by_number = [{node for node in found if found[node] == number} for number in range(1, 5)]
    assert nx.community.modularity(graph, by_number) > 0.6
    assert nx.utils.graphs_equal(graph, graph_of(sets))


def run(folder: Path, enrichment: pd.DataFrame, **settings: Any) -> dict[str, Path]:
    paths = {name: folder / f"{name}.parquet" for name in ("nodes", "edges")}
    paths |= {"graphml": folder / "n.graphml", "cytoscape": folder / "n.cyjs"}
    write_table(enrichment, folder / "enrichment.parquet")
    genes = [f"G{i}" for i in range(50)]
    tested = pd.DataFrame({"gene": [*genes, "flat"], "p": [*np.linspace(0, 1, 50), np.nan]})
    write_table(tested, folder / "correlation.parquet")
    names = [("a & <b>", range(10)), ("near", range(5, 15)), ("far", range(30, 40))]
    lines = ["\t".join([name, "", *(f"G{i}" for i in rows), "flat"]) for name, rows in names]
    (folder / "lib.gmt").write_text("\n".join(lines))
    defaults = {"top": 5, "q": 0.05, "measure": "jaccard", "threshold": 0.2, "seed": 3}
    build_term_network(
        folder / "enrichment.parquet",
        folder / "correlation.parquet",
        {"lib": folder / "lib.gmt"},
        **paths,
        **{**defaults, **settings},
    )
    return paths


ENRICHMENT = hits(
    ("CT", "lib", "a & <b>", 1e-5),
    ("IT", "lib", "near", 1e-3),
    ("CT", "lib", "near", 2e-3),
    ("IT", "lib", "far", 1e-4),
    ("CT", "lib", "unsure", 0.5),
)


def test_files_tell_the_same_and_other_programs_read_them(tmp_path: Path) -> None:
    paths = run(tmp_path, ENRICHMENT)
    nodes, edges = read_table(paths["nodes"]), read_table(paths["edges"])
    assert list(nodes) == list(NODES) and list(edges) == list(EDGES)
    first, second = "lib: a & <b>", "lib: near"
    assert nodes.set_index("node").loc[second].tolist() == [
        *("near", "lib", "IT", "IT;CT", 1e-3, 2e-3, 10, 1, 1)
    ]
    assert edges.iloc[0].tolist() == [first, second, 5, 0.5, 1 / 3, 1 / 3]
    from_graphml = nx.read_graphml(paths["graphml"])
    from_cytoscape = nx.cytoscape_graph(json.loads(paths["cytoscape"].read_text()))
    for graph in (from_graphml, from_cytoscape):
        assert set(graph.nodes) == set(nodes["node"]) and len(graph.edges) == 1
        assert graph.edges[first, second]["shared"] == 5
        for node in nodes.to_dict(orient="records"):
            for name in ("term", "library", "p", "q", "size", "community", "signature"):
                assert graph.nodes[node["node"]][name] == node[name]


def test_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = run(tmp_path / "a", ENRICHMENT)
    second = run(tmp_path / "b", ENRICHMENT.iloc[::-1])
    assert all(first[name].read_bytes() == second[name].read_bytes() for name in first)


def test_network_without_a_set_is_empty_and_whole(tmp_path: Path) -> None:
    paths = run(tmp_path, ENRICHMENT, q=1e-9)
    assert read_table(paths["nodes"]).empty and read_table(paths["edges"]).empty
    assert not nx.read_graphml(paths["graphml"]).nodes
    assert json.loads(paths["cytoscape"].read_text())["elements"] == {"nodes": [], "edges": []}


def test_library_that_cannot_be_used_leaves_no_file(tmp_path: Path) -> None:
    run(tmp_path, ENRICHMENT)
    for path in [*tmp_path.glob("n.*"), tmp_path / "lib.gmt"]:
        path.unlink()
    with pytest.raises(InputError, match=r"lib\.gmt.*no such file"):
        build_term_network(
            tmp_path / "enrichment.parquet",
            tmp_path / "correlation.parquet",
            {"lib": tmp_path / "lib.gmt"},
            nodes=tmp_path / "nodes.parquet",
            edges=tmp_path / "edges.parquet",
            graphml=tmp_path / "n.graphml",
            cytoscape=tmp_path / "n.cyjs",
            top=5,
            q=0.05,
            measure="jaccard",
            threshold=0.2,
            seed=1,
        )
    assert not list(tmp_path.glob("n.*"))
