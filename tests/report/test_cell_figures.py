"""The figures of single cells and of ligand-receptor pairs."""

import re

import numpy as np
import pandas as pd
import pytest

from drawings import beside, whole, words
from histoniche.report.figures.clustering import cluster
from histoniche.report.figures.interactions import draw_interactions, network_edges, shown_pairs
from histoniche.report.figures.single_cell import (
    draw_cell_maps,
    draw_signature_genes,
)

ENDS = ["ligand", "receptor", "sender", "receiver"]


def expression(types, genes):
    """Genes by type and their leading types; each gene belongs to one type."""
    rows = [
        (gene, kind, 12, 2, 3.0 + k / 100 if k % len(types) == t else 0.5, 0.9)
        for k, gene in enumerate(genes)
        for t, kind in enumerate(types)
    ]
    columns = ["gene", "cell_type", "n_cells", "n_patients", "mean", "share"]
    leading = pd.DataFrame({"gene": genes, "tau": 0.8})
    leading["signatures"] = ["CT" if k % 2 else "CT;IT" for k in range(len(genes))]
    return pd.DataFrame(rows, columns=columns), leading


def test_heat_map_puts_genes_of_a_type_side_by_side_and_says_whose_they_are(saved, tmp_path):
    by_type, leading = expression(["tumour", "myeloid", "T"], [f"G{k}" for k in range(9)])
    out = tmp_path / "h.svg"
    draw_signature_genes(saved(by_type), saved(leading), shown=None, heat_map=out)
    text = words(out)
    assert whole(out) and "tumour (12 cells)" in text and "9 of 9 genes" in text
    order = [int(name) for name in re.findall(r"\bG(\d)\b", text)]
    assert sorted(order) == list(range(9))
    assert all(len({gene % 3 for gene in order[k : k + 3]}) == 1 for k in (0, 3, 6))
    assert len(beside(out)) == 27
    assert re.search(r"\bCT\b.*\bIT\b", text)


def test_heat_map_of_many_genes_shows_those_that_differ_most(saved, tmp_path):
    by_type, leading = expression(["tumour", "myeloid"], [f"G{k}" for k in range(100)])
    leading["signatures"] = ["CT" if k >= 50 else "IT" for k in range(100)]
    out = tmp_path / "h.svg"
    draw_signature_genes(saved(by_type), saved(leading), shown=None, heat_map=out)
    assert "60 of 100 genes" in words(out)
    # Those of CT differ more, and yet do not crowd out those of IT.
    assert set(beside(out)["gene"]) == {f"G{k}" for k in (*range(20, 50), *range(70, 100))}


def test_heat_map_shows_the_signatures_that_are_asked_for(saved, tmp_path):
    by_type, leading = expression(["tumour", "myeloid"], [f"G{k}" for k in range(4)])
    out = tmp_path / "h.svg"
    draw_signature_genes(saved(by_type), saved(leading), shown=["IT", "LE"], heat_map=out)
    assert "2 of 2 genes" in words(out) and set(beside(out)["gene"]) == {"G0", "G2"}
    assert "CT" not in words(out) and "LE" not in words(out)


@pytest.mark.parametrize(("types", "genes"), [(["T"], ["G0", "G1"]), (["T", "B"], ["G0"])])
def test_heat_map_of_one_type_or_one_gene(saved, tmp_path, types, genes):
    by_type, leading = expression(types, genes)
    draw_signature_genes(saved(by_type), saved(leading), shown=None, heat_map=tmp_path / "h.svg")
    assert whole(tmp_path / "h.svg")


def test_heat_map_without_an_expressed_gene_says_so(saved, tmp_path):
    by_type, leading = expression(["T", "B"], ["G0"])
    out = tmp_path / "h.svg"
    draw_signature_genes(saved(by_type.assign(mean=0.0)), saved(leading), shown=None, heat_map=out)
    assert "No cell expresses a gene of a signature" in words(out)
    draw_signature_genes(saved(by_type.head(0)), saved(leading.head(0)), shown=None, heat_map=out)
    assert "No cell expresses a gene of a signature" in words(out)


def test_one_row_has_no_tree():
    assert cluster(np.ones((1, 3))) is None
    assert cluster(np.array([[0.0], [1], [5]])).shape == (2, 4)


def scores(cells=40, types=("T", "B"), signatures=("CT", "IT")):
    random = np.random.default_rng(0)
    table = {
        "cell": [f"C{k}" for k in range(cells)],
        "patient": [f"P{k % 2}" for k in range(cells)],
        "cell_type": [types[k % len(types)] for k in range(cells)],
        "umap_1": random.random(cells),
        "umap_2": random.random(cells),
    }
    return pd.DataFrame(table | {name: random.normal(size=cells) for name in signatures})


def test_maps_show_types_with_their_cells_and_every_score(saved, tmp_path):
    out = tmp_path / "m.svg"
    draw_cell_maps(saved(scores()), shown=None, cell_maps=out)
    text = words(out)
    assert "Cell types, 40 cells" in text and "T (20)" in text and "Cells of 2 patients" in text
    assert whole(out) and list(beside(out))[5:] == ["CT", "IT"]
    draw_cell_maps(saved(scores()), shown=["IT"], cell_maps=out)
    assert list(beside(out))[5:] == ["IT"]


def test_maps_leave_out_scores_that_are_missing_and_draw_eight_at_most(saved, tmp_path):
    out = tmp_path / "m.svg"
    names = [f"S{k}" for k in range(11)]
    draw_cell_maps(saved(scores(signatures=names).assign(S0=np.nan)), shown=None, cell_maps=out)
    assert list(beside(out))[5:] == [f"S{k}" for k in range(1, 9)]
    draw_cell_maps(saved(scores(signatures=())), shown=None, cell_maps=out)
    assert "Cell types, 40 cells" in words(out)


@pytest.mark.parametrize("kinds", [1, 15, 30])
def test_maps_of_many_cells_and_types_stay_small(saved, tmp_path, kinds):
    out = tmp_path / "m.svg"
    table = scores(5000, [f"type {k}" for k in range(kinds)], ("CT",))
    draw_cell_maps(saved(table), shown=None, cell_maps=out)
    assert whole(out) and out.stat().st_size < 1_000_000


def pairs(**changes):
    """Two kept interactions of four, in two patients."""
    rows = [
        ("L1", "R1", "T", "B", 0.9, 1e-4, 2),
        ("L1", "R1", "B", "B", 0.8, 1e-3, 2),
        ("L1", "R1", "B", "T", 0.6, 0.5, 0),
        ("L2", "R2", "T", "T", 0.95, 0.2, 0),
    ]
    columns = [*ENDS, "score_median", "p_max", "patients_kept"]
    summary = pd.DataFrame(rows, columns=columns).assign(patients=2, **changes)
    table = pd.concat([summary.assign(patient=patient) for patient in ("P1", "P2")])
    return summary, table.assign(p=0.01, n_sender=10, n_receiver=10)


def draw(saved, folder, summary, table):
    figures = folder / "d.svg", folder / "n.svg"
    draw_interactions(
        saved(table), saved(summary), threshold=0.5, dots=figures[0], network=figures[1]
    )
    assert all(map(whole, figures))
    return figures


def test_dots_and_network_show_the_kept_pairs(saved, tmp_path):
    dots, network = draw(saved, tmp_path, *pairs())
    text = words(dots)
    assert "Ligand-receptor pairs kept, 2 patients" in text and "L1 → R1" in text
    assert "L2 → R2" not in text and "p 0.001" in text
    edges = beside(network)
    assert edges[["sender", "receiver", "pairs"]].to_numpy().tolist() == [
        ["B", "B", 1],
        ["T", "B", 1],
    ]
    assert "2 kept interactions" in words(network) and "20 cells" in words(network)


def test_edges_add_up_pairs_between_two_types():
    summary, _ = pairs(sender="T", receiver="B")
    edges = network_edges(summary)
    assert edges["pairs"].tolist() == [2]
    assert edges["score"].tolist() == [pytest.approx(0.85)]


def test_without_a_kept_pair_the_strongest_are_shown_and_the_network_says_so(saved, tmp_path):
    dots, network = draw(saved, tmp_path, *pairs(patients_kept=0))
    assert "No pair is kept; the strongest ones" in words(dots) and "L2 → R2" in words(dots)
    assert "No ligand-receptor pair is kept" in words(network)


def test_no_pair_at_all_is_said(saved, tmp_path):
    summary, table = pairs()
    for figure in draw(saved, tmp_path, summary.head(0), table.head(0)):
        assert "No ligand meets its receptor" in words(figure)


def test_dot_plot_has_thirty_pairs_and_columns_at_most():
    rows = [(f"L{k}", "R", f"T{k % 40}", "B", 0.9 - k / 1000, 0.01, 1) for k in range(200)]
    columns = [*ENDS, "score_median", "p_max", "patients_kept"]
    shown = shown_pairs(pd.DataFrame(rows, columns=columns))
    assert shown["pair"].nunique() == 30 and shown["between"].nunique() <= 30
    assert shown["pair"].iloc[0] == "L0 → R"
