"""Signatures and their expected size by chance."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from histoniche.omics.gene_sets import read_gmt
from histoniche.omics.ranks import rank_correlation
from histoniche.omics.signatures import chance_of_passing, derive_signatures, select_genes
from histoniche.tables import read_table, write_table

GENES = pd.DataFrame(
    {
        "gene": ["A", "B", "C", "D", "E", "F"],
        "region": "CT",
        "n": 50,
        "rho": [0.5, 0.6, 0.2, -0.6, 0.05, np.nan],
        "p": [0.001, 0.0001, 0.04, 0.0001, 0.001, np.nan],
        "q": [0.01, 0.001, 0.2, 0.001, 0.01, np.nan],
        "p_family": [0.02, 0.01, 0.9, 0.01, 0.02, np.nan],
        "survival": [0.3, -0.2, np.nan, 0.1, 0.1, 0.4],
        "survival_p": 0.5,
    }
)


def members(table: pd.DataFrame) -> dict[str, list[str]]:
    return {str(name): list(rows["gene"]) for name, rows in table.groupby("signature")}


def test_rule_takes_genes_above_rho_and_below_p_strongest_first() -> None:
    table, sizes = select_genes(GENES, rho=0.1, p=0.05, p_kind="raw")
    assert members(table) == {"CT": ["B", "A", "C"], "CTpos": ["A"], "CTneg": ["B"]}
    sizes = sizes.set_index("signature")
    assert sizes["genes"].to_dict() == {"CT": 3, "CTpos": 1, "CTneg": 1}
    assert sizes.loc["CT", ["genes_q05", "tested"]].tolist() == [2, 5]
    assert sizes.loc["CTpos", "tested"] == 3
    chance = chance_of_passing(50, 0.1, 0.05)
    assert sizes.loc["CT", "expected_by_chance"] == pytest.approx(5 * chance)


def test_rule_may_read_q() -> None:
    table, sizes = select_genes(GENES, rho=0.1, p=0.05, p_kind="q")
    assert members(table)["CT"] == ["B", "A"]
    assert sizes["expected_by_chance"].isna().all()


def test_rule_may_read_the_family_wise_p() -> None:
    table, sizes = select_genes(GENES, rho=0.1, p=0.015, p_kind="family")
    assert members(table)["CT"] == ["B"]
    assert sizes["expected_by_chance"].isna().all()
    assert sizes.set_index("signature").loc["CT", "genes_family05"] == 1


def test_empty_signatures_and_regions_without_numbers_have_size_0() -> None:
    empty = GENES.assign(region="IT", rho=np.nan, p=np.nan, q=np.nan, n=2)
    table, sizes = select_genes(pd.concat([GENES, empty]), rho=0.9, p=0.05, p_kind="raw")
    assert table.empty
    assert list(table)[:3] == ["signature", "region", "gene"]
    assert sizes["signature"].tolist() == ["CT", "CTpos", "CTneg", "IT", "ITpos", "ITneg"]
    assert (sizes["genes"] == 0).all()


@pytest.mark.parametrize(
    ("rho", "p"), [(0.1, 0.05), (0.3, 0.05), (-0.2, 0.3), (-1, 0.05), (0, 1), (0.35, 0.2)]
)
def test_chance_of_passing_is_what_shuffled_genes_do(rho: float, p: float) -> None:
    rng = np.random.default_rng(0)
    found, tests = rank_correlation(rng.normal(size=(100_000, 30)), rng.random((1, 30)))
    share = ((found > rho) & (tests < p)).mean()
    assert chance_of_passing(30, rho, p) == pytest.approx(share, abs=0.004)


def test_chance_of_passing_in_closed_form() -> None:
    assert chance_of_passing(50, 0.1, 0.05) == pytest.approx(0.025)  # p is the stricter condition
    assert chance_of_passing(50, -1, 0.05) == pytest.approx(0.05)
    assert chance_of_passing(50, 1, 0.05) == pytest.approx(0, abs=1e-12)
    assert math.isnan(chance_of_passing(2, 0.1, 0.05))


def test_job_writes_tables_and_gene_sets(tmp_path: Path) -> None:
    names = ("correlation", "gene_survival", "signatures", "sizes")
    paths = {name: tmp_path / f"{name}.parquet" for name in names}
    left = ["gene", "region", "n", "rho", "p", "q", "p_family"]
    write_table(GENES[left].assign(detected=50), paths["correlation"])
    survival = GENES[["gene", "n", "survival", "survival_p"]]
    survival = survival.set_axis(["gene", "n", "rho", "p"], axis=1)
    # A gene that raises the hazard shortens life: B lengthens it by Cox, though not by rank.
    write_table(survival.assign(cox_z=survival["rho"], cox_p=0.03), paths["gene_survival"])
    rule = {"rho": 0.55, "p": 0.05, "p_kind": "raw"}
    written = {name: paths[name] for name in ("signatures", "sizes")}
    written["gmt"] = tmp_path / "signatures.gmt"
    inputs = (paths["correlation"], paths["gene_survival"])
    derive_signatures(*inputs, **written, **rule, survival="cox")
    table = read_table(paths["signatures"])
    assert members(table) == {"CT": ["B"], "CTpos": ["B"]}
    assert table[["survival", "survival_p"]].drop_duplicates().to_numpy().tolist() == [[0.2, 0.03]]
    derive_signatures(*inputs, **written, **rule, survival="deaths")
    assert members(read_table(paths["signatures"])) == {"CT": ["B"], "CTneg": ["B"]}
    assert read_table(paths["sizes"])["genes"].tolist() == [1, 0, 1]
    assert read_gmt(tmp_path / "signatures.gmt") == {"CT": {"B"}, "CTneg": {"B"}}
