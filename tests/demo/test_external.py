"""Cohorts from elsewhere: the hazard is where it is planted, and nowhere else."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from histoniche.demo.external import COHORTS, PATIENTS, draw_external
from histoniche.demo.molecular import name_genes
from histoniche.randomness import generator


@pytest.fixture(scope="module")
def genes():
    return name_genes(generator(7, "genes"))


def drawn(genes, name, seed=7):
    return draw_external(genes, name, generator(seed, "external", name))


def hazard(values, followed, genes):
    own = values[values.index.map(genes) == "CTmvp"]
    score = own.sub(own.mean(axis=1), axis=0).mean()
    table = followed.assign(score=(score / score.std()).to_numpy())
    model = CoxPHFitter().fit(table.drop(columns="patient"), "time", "event")
    return np.exp(model.confidence_intervals_.to_numpy()[0])


@pytest.mark.parametrize("seed", [7, 8])
def test_genes_of_the_hazard_region_tell_survival_where_it_is_planted_alone(genes, seed):
    low, _ = hazard(*drawn(genes, "planted", seed), genes)
    assert low > 1.3
    low, high = hazard(*drawn(genes, "unplanted", seed), genes)
    assert low < 1 < high


@pytest.mark.parametrize("name", COHORTS)
def test_the_tables_fit_each_other_and_are_the_same_again(genes, name):
    values, followed = drawn(genes, name)
    assert list(values.columns) == followed["patient"].tolist() and len(followed) == PATIENTS
    assert values.index.is_unique and set(values.index) < set(genes.index)
    assert (followed["time"] > 0).all() and set(followed["event"]) == {0, 1}
    again = drawn(genes, name)
    pd.testing.assert_frame_equal(values, again[0])
    pd.testing.assert_frame_equal(followed, again[1])


def test_no_patient_is_in_two_cohorts(genes):
    named = [patient for name in COHORTS for patient in drawn(genes, name)[1]["patient"]]
    assert len(set(named)) == len(named) and not any(name.startswith("P") for name in named)
