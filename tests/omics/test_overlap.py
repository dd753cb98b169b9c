"""Overlap with reference signatures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, hypergeom, kstest
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.omics.enrichment import over_representation
from histoniche.omics.overlap import (
    DTYPES,
    MOST_REFERENCES,
    compare_sets,
    exclusive_intersections,
    overlap_signatures,
)
from histoniche.tables import read_table, write_table

GENES = [f"G{i}" for i in range(400)]


def test_p_is_scipys_hypergeometric_and_fishers_and_gseapys() -> None:
    rng = np.random.default_rng(3)
    sets = {f"S{i}": set(rng.choice(GENES, rng.integers(3, 80), replace=False)) for i in range(20)}
    query = {*rng.choice(GENES, 40, replace=False), "stranger"}
    table = compare_sets(query, sets, GENES).set_index("term")
    peer = over_representation(query, sets, GENES).set_index("term")
    for term, members in sets.items():
        row, both = table.loc[term], len(members & query)
        a, b, c = both, len(members) - both, 40 - both
        fisher = fisher_exact([[a, b], [c, 400 - a - b - c]], alternative="greater")
        assert row["p"] == pytest.approx(hypergeom.sf(both - 1, 400, len(members), 40), rel=1e-12)
        assert row["p"] == pytest.approx(fisher.pvalue, rel=1e-9)
        assert row["jaccard"] == pytest.approx(both / len(members | (query - {"stranger"})))
        assert row["expected"] == pytest.approx(hypergeom.mean(400, len(members), 40))
        assert set(row["genes"].split(";")) - {""} == members & query
        if both:
            assert row["p"] == pytest.approx(peer.loc[term, "p"], rel=1e-9)
            assert row["q"] == pytest.approx(peer.loc[term, "q"], rel=1e-9)
    assert table["q"].tolist() == pytest.approx(multipletests(table["p"], method="fdr_bh")[1])
    assert table["p"].is_monotonic_increasing


def test_random_lists_give_no_small_p_too_often() -> None:
    rng = np.random.default_rng(5)
    genes = [f"G{i}" for i in range(4000)]
    members = {"S": set(genes[:1200])}
    p = [
        float(compare_sets(rng.choice(genes, 900, replace=False), members, genes)["p"].iloc[0])
        for _ in range(300)
    ]
    # Counts are whole numbers: such a p is a little too large, never too small.
    assert kstest(p, "uniform", alternative="greater").pvalue > 0.05
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.08


def test_empty_list_shares_nothing_and_no_set_gives_no_row() -> None:
    row = compare_sets(set(), {"S": {"G1"}}, GENES).iloc[0]
    assert row[["overlap", "jaccard", "p", "genes"]].tolist() == [0, 0, 1, ""]
    assert compare_sets({"G1"}, {}, GENES).empty


def test_exclusive_intersections_hold_every_gene_once() -> None:
    sets = {"A": "abcde", "B": "bcd", "C": "cdf", "none": ""}
    table = exclusive_intersections(sets)
    assert list(table) == ["n_genes", "n_sets", "A", "B", "C", "none", "gene_names"]
    assert table[["n_genes", "n_sets", "gene_names"]].to_numpy().tolist() == [
        [2, 1, "a;e"],
        [2, 3, "c;d"],
        [1, 1, "f"],
        [1, 2, "b"],
    ]
    for _, row in table.iterrows():
        for gene in row["gene_names"].split(";"):
            assert all(row[name] == (gene in members) for name, members in sets.items())
    assert exclusive_intersections({}).empty
    assert list(exclusive_intersections({"A": ""})) == ["n_genes", "n_sets", "A", "gene_names"]


def run(
    folder: Path, references: dict[str, str], signatures: dict[str, tuple[str, list[str]]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    paths = {name: folder / f"{name}.parquet" for name in ("sig", "cor", "overlap", "cut")}
    rows = [(name, region, g) for name, (region, genes) in signatures.items() for g in genes]
    write_table(
        pd.DataFrame(rows, columns=["signature", "region", "gene"], dtype=object), paths["sig"]
    )
    tested = pd.DataFrame({"gene": [*GENES, "flat"], "p": [*np.linspace(0, 1, 400), np.nan]})
    write_table(tested, paths["cor"])
    for name, text in references.items():
        (folder / f"{name}.gmt").write_text(text)
    overlap_signatures(
        paths["sig"],
        paths["cor"],
        {name: folder / f"{name}.gmt" for name in references},
        overlap=paths["overlap"],
        intersections=paths["cut"],
    )
    return read_table(paths["overlap"]), read_table(paths["cut"])


def line(name: str, start: int, stop: int) -> str:
    return "\t".join([name, "", *(f"G{i}" for i in range(start, stop)), "flat", "unknown"]) + "\n"


def test_job_finds_the_planted_reference_and_shows_it(tmp_path: Path) -> None:
    signatures = {
        "CT": ("CT", GENES[:30]),
        "CTneg": ("CT", GENES[:10]),
        "IT": ("IT", GENES[100:120]),
    }
    ivy = line("CT", 5, 40) + line("IT", 300, 330)
    table, cut = run(tmp_path, {"ivy": ivy}, signatures)
    assert list(table) == list(DTYPES)
    found = table.set_index(["signature", "term"])
    assert len(found) == 6
    best = found.loc[("CT", "CT")]
    assert best[["overlap", "set_size", "signature_size", "background"]].tolist() == [
        *(25, 35, 30, 400)
    ]
    assert best["p"] < 1e-20 and best["q"] == pytest.approx(2 * best["p"])
    assert found.loc[("IT", "IT"), "p"] == 1
    assert list(cut.columns[2:-1]) == ["CT", "IT", "ivy: CT", "ivy: IT"]
    shared = cut[cut["CT"] & cut["ivy: CT"]].iloc[0]
    assert shared["n_genes"] == 25 and shared["n_sets"] == 2
    assert cut["n_genes"].sum() == len({*range(40), *range(100, 120), *range(300, 330)})


def test_only_the_nearest_references_stand_among_the_intersections(tmp_path: Path) -> None:
    many = "".join(line(f"S{k}", k, k + 20) for k in range(0, 200, 10))
    table, cut = run(tmp_path, {"many": many}, {"CT": ("CT", GENES[:30])})
    assert len(table) == 20
    shown = [name for name in cut.columns[2:-1] if name != "CT"]
    assert len(shown) == MOST_REFERENCES and shown[:2] == ["many: S0", "many: S10"]


def test_without_signatures_or_references_the_tables_have_no_rows(tmp_path: Path) -> None:
    table, cut = run(tmp_path, {"ivy": line("CT", 0, 9)}, {})
    assert table.empty and list(table) == list(DTYPES) and cut.empty
    table, cut = run(tmp_path, {}, {"CT": ("CT", GENES[:3])})
    assert table.empty and cut["gene_names"].tolist() == ["G0;G1;G2"]


def test_reference_of_other_genes_or_no_gmt_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ivy\.gmt: knows none of the tested genes.*G0"):
        run(tmp_path, {"ivy": "CT\t\tENSG1\n"}, {"CT": ("CT", GENES[:3])})
    with pytest.raises(InputError, match=r"ivy\.gmt, row 2, value 'IT'.*not a line of a GMT"):
        run(tmp_path, {"ivy": line("CT", 0, 9) + "IT\n"}, {"CT": ("CT", GENES[:3])})
    assert not (tmp_path / "overlap.parquet").exists()
