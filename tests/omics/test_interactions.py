"""Ligand-receptor interactions over patients."""

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.omics.interaction_rule import keep, summarise
from histoniche.omics.interactions import COLUMNS, find_interactions, patient_interactions
from histoniche.tables import read_table, write_table

GENES = [f"G{i}" for i in range(40)]
PAIRS = pd.DataFrame([(f"G{2 * i}", f"G{2 * i + 1}") for i in range(15)])
PAIRS.columns = ["ligand", "receptor"]


def patient_cells(seed: int, *, planted: bool = True, types: str = "TBS") -> anndata.AnnData:
    """20 cells a type; B sends G0 and T receives by G1."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat(list(types), 20)
    values = rng.gamma(2, 0.5, (len(kinds), 40)) * (rng.random((len(kinds), 40)) < 0.6)
    if planted:
        values[kinds == "B", 0] += 4
        values[kinds == "T", 1] += 4
    obs = pd.DataFrame(
        {"patient": f"P{seed}", "cell_type": kinds},
        index=[f"{seed}-{i}" for i in range(len(kinds))],
    )
    data = anndata.AnnData(scipy.sparse.csr_matrix(values.astype(np.float32)), obs=obs)
    data.var_names = GENES
    return data


SETTINGS: dict[str, Any] = {
    "chosen": None,
    "receivers": None,
    "permutations": 2000,
    "min_cells": 5,
    "min_expressing": 3,
    "score": 0.5,
    "q": 0.05,
    "patients_share": 1.0,
    "appears_as": "pair",
    "seed": 1,
}


def run(
    folder: Path,
    cells: list[anndata.AnnData],
    signatures: str | None = "CT\t\tG1\tG3\tG5\nIT\t\tG1\n",
    pairs: pd.DataFrame = PAIRS,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    anndata.concat(cells).write_h5ad(folder / "cells.h5ad")
    pairs.to_csv(folder / "pairs.csv", index=False)
    gmt = None if signatures is None else folder / "s.gmt"
    if signatures is not None:
        (folder / "s.gmt").write_text(signatures)
    outputs = {
        name: folder / f"{name}.parquet" for name in ("interactions", "summary", "decisions")
    }
    inputs = (folder / "cells.h5ad", folder / "pairs.csv", gmt)
    find_interactions(*inputs, **outputs, **{**SETTINGS, **settings})
    return {name: read_table(path) for name, path in outputs.items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    return run(tmp_path_factory.mktemp("found"), [patient_cells(seed) for seed in range(3)])


def test_planted_pair_is_kept_in_every_patient_and_nothing_else(
    found: dict[str, pd.DataFrame],
) -> None:
    kept = found["interactions"].query("kept")
    assert kept["patient"].tolist() == ["P0", "P1", "P2"]
    for column, value in zip(
        ["ligand", "receptor", "sender", "receiver", "kind", "signatures", "n_sender"],
        ["G0", "G1", "B", "T", "paracrine", "CT;IT", 20],
        strict=True,
    ):
        assert set(kept[column]) == {value}
    best = found["summary"].iloc[0]
    assert best[["ligand", "receptor", "sender", "receiver"]].tolist() == ["G0", "G1", "B", "T"]
    assert best[["patients", "patients_present", "patients_kept"]].tolist() == [3, 3, 3]
    assert best["p_max"] == pytest.approx(1 / 2001)
    assert best["score_min"] == pytest.approx(kept["score"].min())
    assert found["summary"]["patients_kept"].sum() == 3


def test_scores_come_from_the_means_of_the_patient(found: dict[str, pd.DataFrame]) -> None:
    data = patient_cells(1)
    row = found["interactions"].query(
        "patient == 'P1' and ligand == 'G4' and sender == 'S' and receiver == 'B'"
    )
    values = data.X.toarray().astype(float)
    ligand = values[40:, 4].mean()
    receptor = values[20:40, 5].mean()
    root = np.sqrt(ligand * receptor)
    assert row["score"].item() == pytest.approx(root / (values.mean() + root), rel=1e-6)
    assert row["ligand_mean"].item() == pytest.approx(ligand)
    assert row["receptor_mean"].item() == pytest.approx(receptor)


def test_labels_without_meaning_keep_nothing(tmp_path: Path) -> None:
    cells = [patient_cells(seed, planted=False) for seed in range(3)]
    found = run(tmp_path, cells, signatures=None)
    assert len(set(found["interactions"]["receptor"])) == 15
    assert not found["interactions"]["kept"].any()
    assert (found["interactions"]["p"] <= 0.05).mean() < 0.08


def test_same_seed_gives_the_same_table_and_patients_do_not_depend_on_each_other(
    found: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    again = run(tmp_path, [patient_cells(seed) for seed in (2, 1)])["interactions"]
    columns = list(COLUMNS)
    for patient in ("P1", "P2"):
        parts = [
            table.loc[table["patient"] == patient, columns].reset_index(drop=True)
            for table in (again, found["interactions"])
        ]
        pd.testing.assert_frame_equal(*parts)


def test_q_counts_tests_in_which_a_gene_is_not_expressed() -> None:
    data = patient_cells(0)
    values = data.X.toarray()
    values[data.obs["cell_type"] != "B", 2] = 0  # only B sends G2
    data.X = scipy.sparse.csr_matrix(values)
    table, taken = patient_interactions(
        data,
        PAIRS,
        permutations=200,
        min_cells=5,
        min_expressing=3,
        random=np.random.default_rng(0),
    )
    tests = next(decision.count for decision in taken if decision.item == "tests")
    assert tests == 15 * 9
    assert len(table) == tests - 6
    whole = np.append(table["p"].to_numpy(), np.ones(6))
    np.testing.assert_allclose(table["q"], false_discovery(whole)[:-6])


def test_rare_genes_and_small_types_are_left_out_and_counted() -> None:
    data = patient_cells(0)
    values = data.X.toarray()
    values[:, 2] = 0
    values[:2, 2] = 1
    data.X = scipy.sparse.csr_matrix(values)
    data = data[:44]
    table, taken = patient_interactions(
        data,
        PAIRS,
        permutations=10,
        min_cells=5,
        min_expressing=3,
        random=np.random.default_rng(0),
    )
    assert set(table["sender"]) == {"T", "B"}
    assert "G2" not in set(table["ligand"])
    assert [(decision.count, decision.detail) for decision in taken[:2]] == [(2, ""), (1, "S (4)")]


def test_patient_with_one_type_has_scores_but_no_p_and_does_not_count(tmp_path: Path) -> None:
    cells = [patient_cells(0), patient_cells(1), patient_cells(2, types="T")]
    found = run(tmp_path, cells)
    alone = found["interactions"].query("patient == 'P2'")
    assert len(alone) and alone["p"].isna().all() and not alone["kept"].any()
    assert found["interactions"].query("kept")["patient"].tolist() == ["P0", "P1"]
    with pytest.raises(InputError, match="no patient has two cell types of 5 cells or more"):
        run(tmp_path, [patient_cells(2, types="T")])


def test_pair_that_one_patient_lacks_is_kept_only_if_a_share_is_enough(tmp_path: Path) -> None:
    cells = [patient_cells(0), patient_cells(1), patient_cells(2, planted=False)]
    assert not run(tmp_path, cells)["interactions"]["kept"].any()
    some = run(tmp_path, cells, patients_share=2 / 3)["interactions"].query("kept")
    assert some["patient"].tolist() == ["P0", "P1"]


def present(patient: str, sender: str, receiver: str, **values: Any) -> dict[str, Any]:
    row = {"patient": patient, "ligand": "L", "receptor": "R", "sender": sender}
    row |= {"receiver": receiver, "kind": "paracrine", "score": 0.8, "p": 0.001, "q": 0.01}
    return {**row, **values}


RULE: dict[str, Any] = {
    "patients": 2,
    "receivers": None,
    "score": 0.5,
    "q": 0.05,
    "patients_share": 1.0,
    "appears_as": "pair",
}
OF_R = {"CT": frozenset("R")}


def test_pair_may_appear_between_other_types_an_interaction_not() -> None:
    table = pd.DataFrame([present("P1", "A", "B"), present("P2", "C", "B")])
    assert keep(table, OF_R, **RULE)["kept"].tolist() == [True, True]
    strict = keep(table, OF_R, **{**RULE, "appears_as": "interaction"})
    assert strict["present"].all() and not strict["kept"].any()


def test_score_must_be_above_and_q_at_most() -> None:
    for change in ({"score": 0.5}, {"q": 0.051}, {"q": np.nan}):
        table = pd.DataFrame([present("P1", "A", "B", **change), present("P2", "A", "B")])
        assert not keep(table, OF_R, **RULE)["kept"].any(), change
    table = pd.DataFrame([present("P1", "A", "B"), present("P2", "A", "B", q=0.05)])
    assert keep(table, OF_R, **RULE)["kept"].all()
    assert not keep(table, OF_R, **{**RULE, "receivers": ["A"]})["kept"].any()


def test_summary_counts_a_patient_who_has_the_types_but_not_the_pair() -> None:
    rows = [
        present("P1", "A", "B"),
        present("P1", "B", "A", ligand="M"),
        present("P2", "A", "B", ligand="M"),
        present("P3", "C", "B"),
    ]
    table = keep(pd.DataFrame(rows), OF_R, **RULE)
    row = summarise(table).set_index(["ligand", "sender"]).loc[("L", "A")]
    assert row[["patients", "patients_present"]].tolist() == [2, 1]
    assert row[["score_median", "score_min", "p_max", "q_max"]].tolist() == [0.4, 0, 1, 1]


def test_only_receptors_of_the_chosen_signatures_are_tested(
    found: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    assert set(found["interactions"]["receptor"]) == {"G1", "G3", "G5"}
    only = run(tmp_path, [patient_cells(0)], chosen=["IT"])
    assert set(only["interactions"]["receptor"]) == {"G1"}
    assert set(only["interactions"]["signatures"]) == {"IT"}
    tests = only["decisions"].set_index("item").loc["tests"]
    assert tests["count"] == 9
    assert tests["detail"] == "a lone finding can reach a q of 0.0045 at best"


def test_no_signature_or_none_with_a_receptor_gives_tables_without_rows(tmp_path: Path) -> None:
    found = run(tmp_path, [patient_cells(0)], signatures="CT\t\tG0\n")
    assert [len(found[name]) for name in ("interactions", "summary")] == [0, 0]
    assert list(found["interactions"])[: len(COLUMNS)] == list(COLUMNS)
    assert found["summary"].shape[1] == 13
    write_table(pd.DataFrame(columns=["signature", "gene"], dtype=object), tmp_path / "s.parquet")
    inputs = (tmp_path / "cells.h5ad", tmp_path / "pairs.csv", tmp_path / "s.parquet")
    outputs = {name: tmp_path / f"{name}.parquet" for name in found}
    find_interactions(*inputs, **outputs, **{**SETTINGS, "chosen": ["CT"]})
    assert read_table(outputs["interactions"]).empty
    rows = pd.DataFrame({"signature": ["IT", "IT"], "gene": ["G0", "G1"]})
    write_table(rows, tmp_path / "s.parquet")
    find_interactions(*inputs, **outputs, **{**SETTINGS, "chosen": ["CT"]})
    assert read_table(outputs["interactions"]).empty
    decided = read_table(outputs["decisions"]).set_index("item")
    assert decided.loc["chosen signatures without a gene", "detail"] == "CT"


def test_names_and_genes_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    cells = [patient_cells(seed) for seed in range(2)]
    with pytest.raises(InputError, match="value 'LE': no such signature; there are CT, IT"):
        run(tmp_path, cells, chosen=["LE"])
    with pytest.raises(InputError, match="value 'X': no such cell type; there are B, S, T"):
        run(tmp_path, cells, receivers=["X"])
    with pytest.raises(InputError, match=r"s\.gmt: no gene of the signatures.*Entrez ids \(7157\)"):
        run(tmp_path, cells, signatures="CT\t\t7157\n")
    mouse = pd.DataFrame({"ligand": ["Gfap"], "receptor": ["Egfr"]})
    with pytest.raises(InputError, match=r"pairs\.csv.*hold symbols of mouse \(Egfr, Gfap\)"):
        run(tmp_path, cells, pairs=mouse)
    half = pd.DataFrame({"ligand": ["G0"], "receptor": ["EGFR"]})
    with pytest.raises(InputError, match="of no pair are both genes among the cells' genes"):
        run(tmp_path, cells, pairs=half)
