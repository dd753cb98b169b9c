"""Real cells: oligodendroglioma of five patients, with the pairs of LRdb and states of gliomas."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from histoniche.omics.cell_signatures import describe_signatures
from histoniche.omics.interactions import find_interactions
from histoniche.omics.single_cell import prepare_cells
from histoniche.tables import read_table

CELLS = "singlecell/oligodendroglioma_expression_downsampled.counts.matrix.gz"
LABELS = "singlecell/oligodendroglioma_annotations_downsampled.txt"
STATES = "genesets/neftel2019_gbm_states.gmt"


def labels(data: Path, out: Path) -> pd.DataFrame:
    """The published labels, one name for all tumours' cells, and the patient of a cell's name."""
    table = pd.read_csv(data / LABELS, sep="\t", header=None, names=["cell", "published"])
    table["patient"] = table["cell"].str.split("_").str[0]
    malignant = table["published"].str.startswith("malignant")
    table["cell_type"] = table["published"].mask(malignant, "malignant")
    table.to_csv(out, sep="\t", index=False)
    return table


@pytest.fixture(scope="module")
def prepared(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    labels(real_data, folder / "labels.tsv")
    prepare(real_data, folder, "cell_type")
    return folder


def prepare(data: Path, folder: Path, label_column: str | None) -> None:
    if label_column is None:
        table = pd.read_csv(folder / "labels.tsv", sep="\t")
        table[["cell", "patient"]].to_csv(folder / "labels.tsv", sep="\t", index=False)
    prepare_cells(
        data / CELLS,
        matrix=folder / "cells.h5ad",
        table=folder / "cells.parquet",
        decisions=folder / "decisions.parquet",
        labels=folder / "labels.tsv",
        label_column=label_column,
        patient_column=None,
        gene_column=None,
        layer=None,
        on_unlabelled="fail",
        unit="counts",
        min_genes=200,
        max_mitochondrial_share=0.2,
        mitochondrial_prefix="MT-",
        min_cells=5,
        on_small_type="fail",
        variable_genes=2000,
        components=30,
        neighbours=15,
        resolution=1.0,
        seed=1,
    )


def test_clusters_set_the_normal_cells_apart_without_labels(
    real_data: Path, tmp_path: Path
) -> None:
    truth = labels(real_data, tmp_path / "labels.tsv").set_index("cell")["cell_type"]
    prepare(real_data, tmp_path, None)
    clusters = read_table(tmp_path / "cells.parquet").set_index("cell")["cell_type"]
    cross = pd.crosstab(truth[clusters.index], clusters)
    for normal, cells in (
        ("Microglia/Macrophage", 19),
        ("Oligodendrocytes (non-malignant)", 23),
    ):
        cluster = cross.loc[normal].idxmax()
        assert cross.loc[normal, cluster] == cells == cross[cluster].sum()


def test_states_belong_to_the_types_that_they_were_named_after(
    prepared: Path, real_data: Path
) -> None:
    names = ("by_type", "by_patient", "genes", "scores", "score_means")
    outputs: Any = {name: prepared / f"{name}.parquet" for name in names}
    describe_signatures(prepared / "cells.h5ad", real_data / STATES, **outputs, min_cells=5, seed=1)
    means = read_table(outputs["scores"]).groupby("cell_type")[["AC", "MES", "NPC", "OPC"]].mean()
    assert means["MES"].idxmax() == "Microglia/Macrophage"
    assert {means[state].idxmax() for state in ("AC", "NPC", "OPC")} == {"malignant"}
    genes = read_table(outputs["genes"]).set_index("gene")
    c3 = genes.loc["C3", ["cell_type", "patients", "patients_agreeing"]]
    assert c3.tolist() == ["Microglia/Macrophage", 3, 3]


def test_tnf_of_microglia_reaches_microglia_in_every_patient(
    prepared: Path, real_data: Path
) -> None:
    names = ("interactions", "summary", "lr_decisions")
    outputs = {name.removeprefix("lr_"): prepared / f"{name}.parquet" for name in names}
    find_interactions(
        prepared / "cells.h5ad",
        real_data / "ligand_receptor" / "lrdb_2019-12.txt.gz",
        real_data / STATES,
        **outputs,
        chosen=None,
        receivers=None,
        permutations=10_000,
        min_cells=5,
        min_expressing=3,
        score=0.5,
        q=0.05,
        patients_share=1.0,
        appears_as="interaction",
        seed=1,
    )
    kept = read_table(outputs["summary"]).query("patients_kept == 3")
    ends = ["ligand", "receptor", "sender", "receiver"]
    assert kept[ends].to_numpy().tolist() == [["TNF", "TNFRSF1A", *["Microglia/Macrophage"] * 2]]
    assert kept["p_max"].item() < 0.01
