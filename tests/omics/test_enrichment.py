"""Over-representation in gene sets."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.omics.enrichment import DTYPES, enrich_signatures, over_representation
from histoniche.tables import read_table, write_table


@pytest.mark.parametrize("pattern", ["GENE{}", "gene-{}", "{}", "Trp{}"])
def test_numbers_equal_the_hypergeometric_test_whatever_genes_are_called(pattern: str) -> None:
    rng = np.random.default_rng(0)
    background = [pattern.format(i) for i in range(1, 301)]
    sets = {
        f"S{i}": set(rng.choice(background, rng.integers(5, 60), replace=False)) for i in range(30)
    }
    sets["apart"] = set(background[-5:])
    genes = {*rng.choice(background[:-5], 25, replace=False), "stranger"}
    table = over_representation(genes, sets, background).set_index("term")
    signature = genes & set(background)
    p = {}
    for term, members in sets.items():
        shared = len(members & signature)
        p[term] = float(hypergeom.sf(shared - 1, 300, len(members), len(signature)))
        if shared:
            row = table.loc[term]
            assert row["p"] == pytest.approx(p[term], rel=1e-12)
            assert set(row["genes"].split(";")) == members & signature
            counts = [shared, len(members), 25, 300]
            assert row[["overlap", "set_size", "signature_size", "background"]].tolist() == counts
            a, b, c = shared + 0.5, len(members) - shared + 0.5, 25 - shared + 0.5
            d = 300 - len(members) - 25 + shared + 0.5
            assert row["odds_ratio"] == pytest.approx(a * d / (b * c))
    q = dict(zip(p, multipletests(list(p.values()), method="fdr_bh")[1], strict=True))
    assert "apart" not in table.index
    for term in table.index:
        assert table.loc[term, "q"] == pytest.approx(q[term], rel=1e-12)
    assert table["p"].is_monotonic_increasing


def test_nothing_shared_gives_no_rows() -> None:
    assert over_representation({"A"}, {"S": {"B"}}, ["A", "B"]).empty
    assert over_representation(set(), {"S": {"B"}}, ["A", "B"]).empty


def run(folder: Path, gmt: str, signatures: dict[str, list[str]], **sizes: int) -> pd.DataFrame:
    paths = {name: folder / f"{name}.parquet" for name in ("signatures", "correlation", "out")}
    pairs = [(name, gene) for name, genes in signatures.items() for gene in genes]
    write_table(
        pd.DataFrame(pairs, columns=["signature", "gene"], dtype=object), paths["signatures"]
    )
    genes = [f"G{i}" for i in range(100)]
    tested = pd.DataFrame({"gene": [*genes, "flat"], "p": [*np.linspace(0, 1, 100), np.nan]})
    write_table(
        pd.concat([tested.assign(region="CT"), tested.assign(region="IT")]), paths["correlation"]
    )
    (folder / "lib.gmt").write_text(gmt)
    enrich_signatures(
        paths["signatures"],
        paths["correlation"],
        {"lib": folder / "lib.gmt"},
        enrichment=paths["out"],
        **{"min_size": 2, "max_size": 20, **sizes},
    )
    return read_table(paths["out"])


def gmt_line(name: str, genes: range) -> str:
    return "\t".join([name, "", *(f"G{i}" for i in genes), "flat", "unknown"]) + "\n"


def test_job_finds_the_planted_set_and_keeps_to_tested_genes_and_sizes(tmp_path: Path) -> None:
    gmt = (
        gmt_line("planted", range(10))
        + gmt_line("other", range(50, 60))
        + gmt_line("small", range(1))
        + gmt_line("large", range(30))
    )
    found = run(tmp_path, gmt, {"CT": [f"G{i}" for i in range(8)] + ["G55"]})
    assert list(found) == list(DTYPES)
    assert found["term"].tolist() == ["planted", "other"]
    best = found.iloc[0]
    assert best[["signature", "library", "overlap", "set_size"]].tolist() == ["CT", "lib", 8, 10]
    assert best["background"] == 100
    assert best["q"] == pytest.approx(2 * best["p"])
    assert best["q"] < 1e-6


def test_empty_signatures_give_a_table_without_rows(tmp_path: Path) -> None:
    found = run(tmp_path, gmt_line("S", range(10)), {})
    assert found.empty
    assert list(found) == list(DTYPES)
    assert found["q"].dtype == float


def test_library_that_knows_no_gene_or_has_no_set_of_size_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lib\.gmt: knows none.*G0.*symbols in both"):
        run(tmp_path, "S\t\tENSG1\tENSG2\n", {"CT": ["G1"]})
    with pytest.raises(InputError, match="no set has 50 to 60 tested genes, the largest has 10"):
        run(tmp_path, gmt_line("S", range(10)), {"CT": ["G1"]}, min_size=50, max_size=60)
