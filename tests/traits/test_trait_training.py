"""Which slides a trait learns from, and that no patient stands on two sides."""

import json

import pandas as pd
import pytest

from classifier_settings import TINY
from histoniche.cohort.splits import patient_digest
from histoniche.errors import InputError
from histoniche.tables import read_table
from histoniche.traits.training import sides_of_round, train_trait
from trait_cohort import write_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    return folder, write_cohort(folder)


@pytest.fixture
def tables(cohort):
    return [read_table(cohort[0] / f"{name}.parquet") for name in ("labels", "rounds")]


def sides(tables, stores, number=0):
    return sides_of_round(*tables, trait="t", number=number, slides=stores)


def test_a_trait_learns_from_its_round_and_says_from_whom(cohort, tmp_path):
    folder, stores = cohort
    train_trait(
        stores, folder / "labels.parquet", folder / "rounds.parquet",
        tmp_path / "model", tmp_path / "state",
        trait="t", round=0, classes=["low", "high"], settings={**TINY, "epochs": 1},
        encoder_weights=None, seed=1, threads=1,
    )  # fmt: skip
    description = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (description["trait"], description["round"]) == ("t", 0)
    assert description["slides"] == {"train": 8, "validation": 4}
    assert description["patients_sha256"]["validation"] == sorted(
        patient_digest(name) for name in ("P2", "P3")
    )
    assert len(description["patients_sha256"]["train"]) == 4


def test_only_slides_in_distribution_of_the_trait_are_learned_from(cohort, tables):
    labels, rounds = tables
    labels.loc[labels["slide"] == "P4-0", "set"] = "near"
    labels.loc[labels["slide"] == "P5-1", "trait"] = "another"
    stores = {slide: path for slide, path in cohort[1].items() if slide != "P6-0"}
    found, _ = sides((labels, rounds), stores)
    assert found["train"]["slide"].tolist() == ["P4-1", "P5-0", "P6-1", "P7-0", "P7-1"]
    assert found["validation"]["slide"].tolist() == ["P2-0", "P2-1", "P3-0", "P3-1"]


@pytest.mark.parametrize("role", ["validation", "test"])
def test_a_patient_on_two_sides_is_refused(cohort, tables, role):
    labels, rounds = tables
    number = pd.NA if role == "test" else 0
    leak = pd.DataFrame({"patient": ["P5"], "round": [number], "role": [role]})
    rounds = pd.concat([rounds, leak.astype({"round": "Int64"})])
    with pytest.raises(InputError, match=r"'P5'.*stands on both sides"):
        sides((labels, rounds), cohort[1])


def test_a_slide_of_two_patients_is_refused(cohort, tables):
    labels, rounds = tables
    twice = labels[labels["slide"] == "P5-0"].assign(patient="P2")
    with pytest.raises(InputError, match=r"'P5-0'.*of two patients"):
        sides((pd.concat([labels, twice]), rounds), cohort[1])


def test_a_round_that_is_not_there_is_an_error(cohort, tables):
    with pytest.raises(InputError, match="value 3: no such round"):
        sides(tables, cohort[1], number=3)
