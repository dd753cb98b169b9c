"""Signatures in single cells."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
import scipy.sparse

from histoniche.errors import InputError
from histoniche.omics.cell_signatures import describe_signatures, leading_types, score_cells, tau
from histoniche.omics.gene_sets import read_signatures
from histoniche.tables import read_table, write_table

OUTPUTS = ["by_type", "by_patient", "genes", "scores", "score_means"]
SIGNATURES = {"CT": ["G0", "G1", "G2", "G3", "unknown"], "IT": ["G3", "G50"], "LE": ["absent"]}


def planted_cells() -> anndata.AnnData:
    """Two patients, two types of 20 cells each; G0 to G3 belong to T, G50 to nobody."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2, 0.5, (80, 200)) * (rng.random((80, 200)) < 0.5)
    types = np.tile(np.repeat(["T", "B"], 20), 2)
    values[np.ix_(types == "T", range(4))] += 3
    values[:, 50] = 0
    obs = pd.DataFrame(
        {"patient": np.repeat(["P1", "P2"], 40), "cell_type": types},
        index=[f"C{i}" for i in range(80)],
    )
    data = anndata.AnnData(scipy.sparse.csr_matrix(values.astype(np.float32)), obs=obs)
    data.var_names = [f"G{i}" for i in range(200)]
    data.obsm["X_umap"] = rng.random((80, 2))
    return data


def run(
    folder: Path, signatures: dict[str, list[str]], table: Path | None = None
) -> dict[str, pd.DataFrame]:
    planted_cells().write_h5ad(folder / "cells.h5ad")
    lines = ["\t".join([name, "", *genes]) for name, genes in signatures.items()]
    (folder / "s.gmt").write_text("\n".join(lines) + "\n")
    outputs = {name: folder / f"{name}.parquet" for name in OUTPUTS}
    describe_signatures(
        folder / "cells.h5ad", table or folder / "s.gmt", **outputs, min_cells=5, seed=1
    )
    return {name: read_table(path) for name, path in outputs.items()}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    return run(tmp_path_factory.mktemp("described"), SIGNATURES)


def test_means_by_type_and_patient_equal_scanpy(described: dict[str, pd.DataFrame]) -> None:
    data = planted_cells()
    oracle = scanpy.get.aggregate(data, "cell_type", func=["mean", "count_nonzero"])
    table = described["by_type"].set_index(["cell_type", "gene"])
    assert len(table) == 2 * 5
    for kind in ("T", "B"):
        row = oracle[kind].to_df("mean").iloc[0]
        shares = oracle[kind].to_df("count_nonzero").iloc[0] / 40
        for gene in ("G0", "G3", "G50"):
            found = table.loc[(kind, gene)]
            assert found["mean"] == pytest.approx(row[gene])
            assert found["share"] == pytest.approx(shares[gene])
            assert (found["n_cells"], found["n_patients"]) == (40, 2)
    apart = described["by_patient"].set_index(["patient", "cell_type", "gene"])
    part = data[(data.obs["patient"] == "P2") & (data.obs["cell_type"] == "B")]
    assert apart.loc[("P2", "B", "G1"), "mean"] == pytest.approx(part[:, "G1"].X.mean())
    assert apart.loc[("P2", "B", "G1"), "n_cells"] == 20


def test_planted_type_leads_its_genes_in_every_patient(described: dict[str, pd.DataFrame]) -> None:
    genes = described["genes"].set_index("gene")
    assert genes.loc[["G0", "G1", "G2", "G3"], "cell_type"].tolist() == ["T"] * 4
    assert genes.loc["G0", ["patients", "patients_agreeing"]].tolist() == [2, 2]
    assert genes.loc["G3", "signatures"] == "CT;IT"
    assert genes.loc["G0", "next_type"] == "B"
    mean, following = genes.loc["G0", ["mean", "next_mean"]]
    assert genes.loc["G0", "tau"] == pytest.approx(1 - following / mean)


def test_gene_that_nobody_expresses_has_no_leading_type(
    described: dict[str, pd.DataFrame],
) -> None:
    silent = described["genes"].set_index("gene").loc["G50"]
    assert silent[["cell_type", "next_type", "mean", "patients"]].tolist() == ["", "", 0, 0]
    assert np.isnan(silent["tau"])


def test_scores_stand_out_in_the_planted_type(described: dict[str, pd.DataFrame]) -> None:
    scores = described["scores"]
    assert list(scores)[:5] == ["cell", "patient", "cell_type", "umap_1", "umap_2"]
    by_type = scores.groupby("cell_type")["CT"]
    assert by_type.min()["T"] > by_type.max()["B"]
    assert scores["LE"].isna().all()
    means = described["score_means"].set_index(["signature", "patient", "cell_type"])
    found = means.loc[("CT", "P1", "T")]
    assert found[["genes", "genes_found", "n_cells"]].tolist() == [5, 4, 20]
    part = scores[(scores["patient"] == "P1") & (scores["cell_type"] == "T")]["CT"]
    assert found["mean"] == pytest.approx(part.mean())
    assert found["sd"] == pytest.approx(part.std())


def test_seed_chooses_the_genes_that_scores_are_compared_with() -> None:
    values = np.random.default_rng(0).gamma(2, 0.5, (20, 3000)).astype(np.float32)
    data = anndata.AnnData(scipy.sparse.csr_matrix(values), obs=planted_cells().obs[:20])
    data.obsm["X_umap"] = np.zeros((20, 2))
    sets = {"S": frozenset(["1", "2", "3"])}
    first, same, other = (score_cells(data, sets, seed=seed)["S"] for seed in (1, 1, 2))
    pd.testing.assert_series_equal(same, first)
    assert not np.allclose(other, first)


def test_signature_of_all_genes_has_nothing_to_be_compared_with(
    caplog: pytest.LogCaptureFixture,
) -> None:
    data = planted_cells()
    scores = score_cells(data, {"all": frozenset(data.var_names)}, seed=1)
    assert scores["all"].isna().all()
    assert "signature all cannot be scored" in caplog.text


def test_tau_by_hand() -> None:
    means = np.array([[2.0, 2, 2], [5, 0, 0], [4, 2, 1], [0, 0, 0]])
    np.testing.assert_allclose(tau(means), [0, 1, (0.5 + 0.75) / 2, np.nan])
    assert np.isnan(tau(means[:, :1])).all()


def test_patients_who_lack_the_type_or_have_no_other_cannot_agree() -> None:
    pooled = pd.DataFrame(
        {"gene": "A", "cell_type": ["T", "B"], "n_cells": 9, "mean": [2.0, 1.0], "share": 1.0}
    )
    apart = pd.DataFrame(
        [
            ("agrees", "T", 3.0),
            ("agrees", "B", 1.0),
            ("differs", "T", 1.0),
            ("differs", "B", 2.0),
            ("lacks", "B", 2.0),
            ("lacks", "S", 1.0),
            ("alone", "T", 9.0),
            ("silent", "T", 0.0),
            ("silent", "B", 0.0),
        ],
        columns=["patient", "cell_type", "mean"],
    ).assign(gene="A")
    found = leading_types(pooled, apart).iloc[0]
    assert found[["cell_type", "patients", "patients_agreeing"]].tolist() == ["T", 2, 1]


def test_signatures_may_come_as_a_table_and_may_be_none(tmp_path: Path) -> None:
    table = pd.DataFrame({"signature": ["CT", "CT"], "gene": ["G0", "G1"], "rho": 0.5})
    write_table(table, tmp_path / "s.parquet")
    assert read_signatures(tmp_path / "s.parquet") == {"CT": {"G0", "G1"}}
    write_table(table.head(0), tmp_path / "none.parquet")
    found = run(tmp_path, SIGNATURES, tmp_path / "none.parquet")
    assert [len(found[name]) for name in OUTPUTS] == [0, 0, 0, 80, 0]
    assert "patients_agreeing" in found["genes"]


def test_signatures_that_share_no_gene_say_what_both_sides_look_like(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hold Ensembl gene ids \(ENSG00000141510\), the"):
        run(tmp_path, {"CT": ["ENSG00000141510"]})
