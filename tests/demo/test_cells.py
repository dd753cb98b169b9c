import numpy as np
import pandas as pd
import pytest

from histoniche.demo.cells import draw_cells, draw_pairs
from histoniche.demo.design import REGIONS
from histoniche.demo.molecular import CELL_TYPES, name_genes
from histoniche.randomness import generator

PATIENTS = [f"P{number:03d}" for number in range(1, 6)]


@pytest.fixture(scope="module")
def genes():
    return name_genes(generator(7, "genes"))


@pytest.fixture(scope="module")
def drawn(genes):
    """Counts, and the facts of the cells."""
    return draw_cells(genes, draw_pairs(PATIENTS), PATIENTS, generator(7, "cells"))


def mean_by_type(drawn):
    """Mean count of each gene by patient and type of the good cells."""
    counts, cells = drawn
    good = cells[cells["quality"] == "good"].set_index("cell")
    return counts[good.index].T.groupby([good["patient"], good["cell_type"]]).mean()


def test_every_patient_has_cells_of_eight_types_and_two_poor_ones(drawn):
    counts, cells = drawn
    assert list(counts.columns) == list(cells["cell"]) and counts.columns.is_unique
    assert counts.index.is_monotonic_increasing and counts.index.name == "gene"
    sizes = cells[cells["quality"] == "good"].groupby(["patient", "cell_type"]).size()
    assert len(sizes) == 5 * 8 and sizes.between(7, 10).all()
    poor = cells[cells["quality"] != "good"].groupby("patient")["quality"].agg(set)
    assert poor.tolist() == [{"empty", "dying"}] * 5


def test_poor_cells_are_told_by_their_genes_and_mitochondria(drawn):
    counts, cells = drawn
    quality = cells.set_index("cell")["quality"]
    detected = (counts > 0).sum()
    share = counts[counts.index.str.startswith("MT-")].sum() / counts.sum()
    assert ((detected < 200) == (quality == "empty")).all()
    assert ((share > 0.2) == (quality == "dying")).all()


def test_a_type_expresses_its_regions_genes_in_every_patient_and_others_do_not(drawn, genes):
    means = mean_by_type(drawn)
    types = {name: region for (name, _), region in CELL_TYPES.items()}
    assert {types[kind] for kind in means.index.unique("cell_type")} == {*REGIONS, ""}
    for (_, kind), row in means.iterrows():
        for region in REGIONS:
            mean = row[genes.index[genes == region]].mean()
            assert mean > 5 if types[kind] == region else mean < 0.3


PAIRS = list(draw_pairs(PATIENTS).itertuples())


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.ligand)
def test_a_pair_is_at_work_where_the_truth_says_and_nowhere_else(drawn, pair):
    means = mean_by_type(drawn)
    active = {(patient, pair.sender) for patient in pair.patients.split(";") if patient}
    assert {where for where in means.index if means.loc[where, pair.ligand] > 3} == active
    for patient, _ in active:
        assert means.loc[(patient, pair.receiver), pair.receptor] > 3


def test_pairs_are_at_work_in_every_patient_in_one_or_in_none_and_on_all_sides(genes):
    pairs = draw_pairs(PATIENTS)
    number = pairs["patients"].map(lambda names: len(names.split(";")) if names else 0)
    assert set(number) == {0, 1, 5} and pairs["ligand"].is_unique
    always = pairs[number == 5]
    assert {"CT", "CTmvp", "CTne"} <= set(always["receptor"].map(genes))
    assert (~always["receptor"].isin(genes.index)).any()
    assert set(always["sender"] == always["receiver"]) == {True, False}
    assert not set(pairs["ligand"]) & set(genes.index)


def test_cells_are_the_same_for_the_same_seed(drawn, genes):
    again = draw_cells(genes, draw_pairs(PATIENTS), PATIENTS, generator(7, "cells"))
    for first, second in zip(drawn, again, strict=True):
        pd.testing.assert_frame_equal(first, second)
    other, _ = draw_cells(genes, draw_pairs(PATIENTS), PATIENTS, generator(8, "cells"))
    assert not np.array_equal(other.to_numpy()[:, :50], drawn[0].to_numpy()[:, :50])
