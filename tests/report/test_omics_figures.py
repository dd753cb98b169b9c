"""Figures of cell types, rankings, the network of gene sets, overlaps and clusters."""

import numpy as np
import pandas as pd
import pytest
import scipy.cluster.hierarchy
import scipy.spatial.distance
import scipy.stats

from drawings import beside, words
from histoniche.omics.overlap import exclusive_intersections
from histoniche.report.figures.cell_types import draw_cell_types
from histoniche.report.figures.clustering import cluster
from histoniche.report.figures.gsea import draw_gsea
from histoniche.report.figures.heat_map import draw_heat_map, standardise
from histoniche.report.figures.overlap import draw_overlap
from histoniche.report.figures.term_network import draw_term_network, place_nodes


def cell_types(*rows: tuple[str, str, str, float, float, float]) -> pd.DataFrame:
    columns = ["signature", "cell_type", "ontology_id", "match_score", "p", "q"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(expected=0.1, overlap=4, signature_size=30)


def test_cell_types_stand_by_signature_with_id_p_and_q(saved, palette, tmp_path):
    table = cell_types(
        ("ITneg", "microglial cell", "CL:0000129", 1.5, 0.0004, 0.012),
        ("ITneg", "neuron", "", 0.2, 0.4, 0.9),
        ("ITneg", "third", "", 0.1, 0.7, 0.9),
        ("CT", "T cell", "CL:0000084", 0.5, 0.02, 0.3),
        ("CTpos", "T cell", "CL:0000084", 0.0, 1.0, 1.0),
    )
    out = tmp_path / "c.svg"
    draw_cell_types(saved(table), palette, top=2, cell_types_figure=out)
    text = words(out)
    assert "microglial cell CL:0000129" in text and "p 4.0e-4, q 0.012, n 4" in text
    assert "third" not in text and "Without a hit: CTpos." in text
    assert text.index("ITneg, 30 genes") < text.index("CT, 30 genes"), "the palette's order"
    assert len(beside(out)) == 3


def test_cell_types_without_a_hit_say_so(saved, palette, tmp_path):
    table = cell_types(("CT", "T cell", "", 0.0, 1.0, 1.0))
    for rows in (table, table.head(0)):
        draw_cell_types(saved(rows), palette, top=3, cell_types_figure=tmp_path / "c.svg")
        assert "No signature hits a marker set" in words(tmp_path / "c.svg")


def rankings(q: float) -> pd.DataFrame:
    rows = [
        (region, "go", f"{region} {k} (GO:{k:07d})", 75, nes, 0.001 * (k + 1), q * (k + 1))
        for region in ("CT", "LE")
        for k, nes in enumerate((2.1, -1.9, 0.4))
    ]
    return pd.DataFrame(rows, columns=["region", "library", "term", "n", "nes", "p", "q"])


def test_rankings_show_what_is_sure_with_both_signs(saved, palette, tmp_path):
    out = tmp_path / "g.svg"
    draw_gsea(saved(rankings(0.02)), palette, top=5, gsea_figure=out)
    text = words(out)
    assert "CT 0 (GO:0000000)" in text and "CT 1 " in text and "CT 2 " not in text
    assert "Gene sets at the ends of the rankings" in text and "n 75" in text
    draw_gsea(saved(rankings(0.2)), palette, top=5, gsea_figure=out)
    assert "No gene set reaches q &lt; 0.05" in words(out)


def test_rankings_of_nothing_say_so(saved, palette, tmp_path):
    out = tmp_path / "g.svg"
    for table in (rankings(0.1).head(0), rankings(0.1).assign(p=np.nan)):
        draw_gsea(saved(table), palette, top=5, gsea_figure=out)
        assert "No gene set was tested" in words(out)


def network(size: int, per_community: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"go: term {k} $x$" for k in range(size)]
    nodes = pd.DataFrame(
        {
            "node": names,
            "term": [name.removeprefix("go: ") for name in names],
            "library": "go",
            "signature": "CTneg",
            "signatures": "CTneg",
            "p": np.geomspace(1e-15, 1e-3, size),
            "q": 0.01,
            "size": np.arange(5, size + 5),
            "degree": 1,
            "community": np.arange(size) // per_community + 1,
        }
    )
    pairs = [
        (a, b) for a in range(size) for b in range(a) if a // per_community == b // per_community
    ]
    edges = pd.DataFrame(
        [(names[a], names[b], 3, 0.5, 0.3, 0.5) for a, b in pairs],
        columns=["source", "target", "shared", "overlap_coefficient", "jaccard", "weight"],
    )
    return nodes, edges


def test_network_names_and_numbers_the_sets_with_the_smallest_p(saved, tmp_path):
    nodes, edges = network(120, 6)
    out = tmp_path / "n.svg"
    draw_term_network(saved(nodes), saved(edges), term_network_figure=out)
    text = words(out)
    assert "80 leading gene sets, 14 communities" in text and "cut at 10" in text
    assert "36 sets with larger p without a number. 40 sets with larger p not drawn." in text
    assert "term 43 $x$" in text and "term 44 $x$" not in text and "CTneg, 1.0e-15" in text
    drawn = beside(out)
    assert drawn["number"].dropna().tolist() == list(range(1, 45)) and len(drawn) == 80


def test_network_of_one_and_of_no_set(saved, tmp_path):
    nodes, edges = network(1, 1)
    out = tmp_path / "n.svg"
    draw_term_network(saved(nodes), saved(edges), term_network_figure=out)
    assert "1 leading gene set, 1 community" in words(out)
    draw_term_network(saved(nodes.head(0)), saved(edges), term_network_figure=out)
    assert "No gene set leads a signature" in words(out)


def test_no_two_nodes_of_the_network_hide_each_other():
    nodes, edges = network(60, 20)
    names = [*nodes["node"], *(f"alone {k}" for k in range(9))]
    places = place_nodes(names, edges, height=1.5)
    assert set(places) == set(names)
    assert scipy.spatial.distance.pdist(np.array([places[name] for name in names])).min() > 0.99
    again = place_nodes(names, edges, height=1.5)
    assert all(np.array_equal(places[name], again[name]) for name in names)


def overlaps(q: float) -> pd.DataFrame:
    rows = [
        (signature, "ivy", term, shared, p, q)
        for signature, term, shared, p in (
            ("CT", "CT", 7, 1e-8),
            ("LE", "CT", 0, 1.0),
            ("CT", "LE", 1, 0.4),
            ("LE", "LE", 2, 0.03),
        )
    ]
    return pd.DataFrame(rows, columns=["signature", "reference", "term", "overlap", "p", "q"])


def test_overlap_counts_every_gene_once_and_gives_p_of_each_pair(saved, palette, tmp_path):
    sets = {"CT": "abcdefgh", "LE": "hijkl", "ivy: CT": "abcdefgz", "ivy: LE": "hixy"}
    out = tmp_path / "o.svg"
    cuts = exclusive_intersections(sets)
    draw_overlap(saved(overlaps(0.01)), saved(cuts), palette, overlap_figure=out)
    text = words(out)
    assert "15 genes by the sets that hold them" in text
    assert "7, p 1.0e-8" in text and "2, p 0.030" in text and "Frame: q &lt; 0.05" in text
    assert text.index("LE") < text.index("ivy: CT")
    assert beside(out)["n_genes"].sum() == 15


def test_overlap_without_references_or_without_genes(saved, palette, tmp_path):
    out = tmp_path / "o.svg"
    nothing = saved(overlaps(0.1).head(0))
    many = {"CT": [f"g{k}" for k in range(5)]} | {
        f"S{k}": [f"g{k}", f"h{k}", f"h{k + 1}"] for k in range(30)
    }
    draw_overlap(nothing, saved(exclusive_intersections(many)), palette, overlap_figure=out)
    text = words(out)
    assert "smaller combinations not drawn" in text and "hypergeometric" not in text
    empty = saved(exclusive_intersections({"CT": ""}))
    draw_overlap(nothing, empty, palette, overlap_figure=out)
    assert "No signature and no reference has a gene" in words(out)


def expression(genes: int, patients: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    names = [f"P{k}" for k in range(patients)]
    values = pd.DataFrame(rng.normal(5, 2, (genes, patients)), columns=names)
    values.insert(0, "gene", [f"G{k}" for k in range(genes)])
    members = pd.DataFrame({"signature": "CT", "region": "CT", "gene": values["gene"], "rho": 0.5})
    part = members.assign(signature="CTpos", gene="of a part")
    areas = pd.DataFrame(
        [(name, region, float(k)) for k, name in enumerate(names) for region in ("CT", "LE")],
        columns=["patient", "region", "area"],
    )
    return values, pd.concat([members, part]), areas


def draw_heat(saved, palette, out, tables, top=8):
    values, members, areas = map(saved, tables)
    draw_heat_map(values, members, areas, palette, top=top, heat_map_figure=out)
    return words(out)


def test_heat_map_puts_planted_groups_of_patients_side_by_side(saved, palette, tmp_path):
    values, members, areas = expression(12, 30)
    planted = [f"P{k}" for k in range(0, 30, 3)]
    values[planted] += 12
    values["stranger"] = 1.0
    out = tmp_path / "h.svg"
    text = draw_heat(saved, palette, out, (values, members, areas))
    assert "8 leading genes of the signatures in 30 patients" in text
    table = beside(out).set_index("gene")
    places = sorted(list(table.columns).index(name) for name in planted)
    assert places in (list(range(10)), list(range(20, 30)))
    assert table.shape == (8, 30) and "stranger" not in table
    np.testing.assert_allclose(table.mean(axis=1), 0, atol=1e-5)


@pytest.mark.parametrize(("genes", "patients"), [(1, 2), (40, 200)])
def test_heat_map_of_few_and_many_with_gaps(saved, palette, tmp_path, genes, patients):
    values, members, areas = expression(genes, patients)
    values.loc[0, "P1"] = np.nan
    areas.loc[0, "area"] = np.nan
    text = draw_heat(saved, palette, tmp_path / "h.svg", (values, members, areas), top=99)
    assert f"{patients} patients" in text
    assert ("P1" in text) == (patients == 2), "names of patients only where they can be read"


def test_heat_map_without_genes_or_patients_says_so(saved, palette, tmp_path):
    values, members, areas = expression(5, 10)
    out = tmp_path / "h.svg"
    assert "No signature has a gene" in draw_heat(
        saved, palette, out, (values, members.head(0), areas)
    )
    strangers = areas.assign(patient="X" + areas["patient"])
    assert "Fewer than two patients" in draw_heat(saved, palette, out, (values, members, strangers))


def test_scores_are_scipys_and_near_rows_are_joined_first():
    rng = np.random.default_rng(1)
    values = pd.DataFrame(rng.normal(3, 2, (4, 20)))
    values.loc[4] = 7.0
    scores = standardise(values)
    np.testing.assert_allclose(scores[:4], scipy.stats.zscore(values[:4], axis=1))
    assert (scores.loc[4] == 0).all()
    rows = np.vstack([scores[:4], scores[:4] + 0.01])
    tree = cluster(rows)
    joined = {frozenset(map(int, pair)) for pair in tree[:4, :2]}
    assert joined == {frozenset({k, k + 4}) for k in range(4)}
    distance = scipy.spatial.distance.pdist(rows)
    plain = scipy.cluster.hierarchy.linkage(distance, "average")
    np.testing.assert_allclose(tree[:, 2], plain[:, 2])


def test_a_part_of_a_signature_has_the_colour_of_its_region_and_no_other(saved, palette, tmp_path):
    table = cell_types(("CTneg", "T cell", "", 0.5, 0.02, 0.03))
    out = tmp_path / "c.svg"
    draw_cell_types(saved(table), palette, top=2, cell_types_figure=out)
    colours = {region.region: region.colour.lower() for region in palette}
    drawing = out.read_text().lower()
    assert colours["CT"] in drawing and colours["CTne"] not in drawing
