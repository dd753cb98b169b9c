import logging

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table
from histoniche.traits.rounds import (
    audit_labels,
    audit_rounds,
    draw_folds,
    draw_rounds,
    roles_in_round,
    write_rounds,
)
from histoniche.traits.strata import apportion

COHORT = [f"P{k:03d}" for k in range(100)]


def labels_of(classes):
    patients = list(classes)
    return pd.DataFrame(
        {
            "slide": patients,
            "patient": patients,
            "trait": "t",
            "class": list(classes.values()),
            "set": ["in" if name else "unlabelled" for name in classes.values()],
        }
    )


def test_a_tenth_is_set_aside_then_five_times_eighty_train_and_ten_validate():
    table = draw_rounds(COHORT, seed=1)
    aside = table[table["round"].isna()]
    assert aside["role"].tolist() == ["test"] * 10
    drawn = set()
    for number in range(5):
        roles = roles_in_round(table, number)
        assert roles.value_counts().to_dict() == {"train": 80, "validation": 10, "test": 10}
        assert set(roles.index[roles == "test"]) == set(aside["patient"])
        drawn.add(tuple(roles.index[roles == "validation"]))
    assert len(drawn) == 5
    audit_rounds(table)


def test_the_same_seed_draws_the_same_whatever_the_order_and_another_does_not():
    first = draw_rounds(COHORT, seed=1)
    pd.testing.assert_frame_equal(first, draw_rounds(COHORT[::-1] + COHORT[:3], seed=1))
    assert not first.equals(draw_rounds(COHORT, seed=2))
    # More rounds leave those that there are, and the test patients, as they were.
    more = draw_rounds(COHORT, seed=1, rounds=7)
    pd.testing.assert_frame_equal(more[: len(first)], first)


def test_every_patient_validates_about_as_often_as_the_others():
    table = draw_rounds(COHORT, seed=0, rounds=300, test=0.1, validation=0.1)
    share = table[table["round"].notna()].groupby("patient")["role"].value_counts(normalize=True)
    validation = share.unstack()["validation"]
    assert validation.mean() == pytest.approx(10 / 90)
    assert validation.std() < 3 * np.sqrt(10 / 90 * 80 / 90 / 300)


def test_strata_are_spread_to_the_nearest_patient():
    strata = {name: "rare" if k < 20 else "common" for k, name in enumerate(COHORT)}
    table = draw_rounds(COHORT, seed=3, strata=strata)
    for number in range(5):
        roles = roles_in_round(table, number)
        counts = pd.crosstab(roles, roles.index.map(strata))
        assert counts["rare"].to_dict() == {"test": 2, "train": 16, "validation": 2}


def test_seats_go_to_the_largest_remainders_by_hand():
    assert apportion(10, [50, 30, 20]) == [5, 3, 2]
    assert apportion(3, [5, 4, 1]) == [2, 1, 0]
    assert apportion(1, [2, 2]) == [1, 0]
    assert sum(apportion(7, [3, 3, 3, 1])) == 7


def test_folds_test_every_patient_once_and_spread_strata():
    names = COHORT[:23]
    strata = {name: "ab"[k % 2] for k, name in enumerate(names)}
    table = draw_folds(names, seed=5, folds=5, strata=strata)
    audit_rounds(table)
    tested = table[table["role"] == "test"]
    assert sorted(tested["patient"]) == names
    counts = pd.crosstab(tested["round"], tested["patient"].map(strata))
    assert (counts.max() - counts.min() <= 1).all()
    for number in range(5):
        validated = roles_in_round(table, number).loc[lambda roles: roles == "validation"].index
        after = roles_in_round(table, (number + 1) % 5).loc[lambda roles: roles == "test"].index
        assert set(validated) == set(after)


def test_too_few_patients_are_a_clear_line():
    with pytest.raises(InputError, match=r"5 folds need as many patients \(4 are there\)"):
        draw_folds(COHORT[:4], seed=0, folds=5)
    with pytest.raises(InputError, match="2 patients are too few"):
        draw_rounds(COHORT[:2], seed=0)
    with pytest.raises(InputError, match=r"traits\.rounds\.folds: .*need a fold each"):
        draw_folds(COHORT, seed=0, folds=2)


def test_the_audit_finds_patients_on_two_sides_and_empty_sides():
    table = draw_rounds(COHORT, seed=0)
    aside = table["patient"].iloc[0]
    leak = pd.concat([table, table.iloc[[-1]].assign(patient=aside)])
    with pytest.raises(InputError, match=rf"'{aside}': the patient leaks: test and train in round"):
        audit_rounds(leak)
    twice = pd.concat([table, table.iloc[[-1]].assign(role="validation")])
    with pytest.raises(InputError, match="leaks: train and validation in round 4"):
        audit_rounds(twice)
    with pytest.raises(InputError, match="the patient leaks"):
        audit_rounds(table.assign(role=table["role"].replace("test", "train")))
    with pytest.raises(InputError, match="nobody has the role validation in round 0"):
        audit_rounds(table[table["role"] != "validation"])


def test_a_trait_needs_each_class_in_training_and_as_many_patients_as_folds(caplog):
    folds = draw_folds(COHORT[:10], seed=0, folds=5)
    few = dict.fromkeys(COHORT[:10]) | {"P001": "a", "P002": "b", "P003": "a", "P004": "b"}
    with pytest.raises(
        InputError, match=r"traits\.named\.\w+: 4 labelled patients are fewer than the 5 folds"
    ):
        audit_labels(folds, labels_of(few), classes=["a", "b"])
    one = {name: "ac"[k % 2] for k, name in enumerate(COHORT[:30])} | {"P003": "b"}
    with pytest.raises(InputError, match="no training patient of the class b in round"):
        audit_labels(draw_folds(COHORT[:30], seed=0, folds=5), labels_of(one), classes="abc")
    both = {name: "ab"[k % 2] for k, name in enumerate(COHORT[:10])}
    # A tenth of ten is one: no network could be chosen by that.
    with pytest.raises(
        InputError, match=r"value '[ab]': the validation patients of round 0 are of one class"
    ):
        audit_labels(draw_rounds(COHORT[:10], seed=0), labels_of(both), classes=["a", "b"])
    three = {name: "abc"[k % 3] for k, name in enumerate(COHORT[:30])}
    with caplog.at_level(logging.WARNING):
        audit_labels(
            draw_rounds(COHORT[:30], seed=3, validation=0.1), labels_of(three), classes="abc"
        )
    assert "no validation patient of the class" in caplog.text
    with pytest.raises(InputError, match="'new': the patient is in no round"):
        audit_labels(folds, labels_of({**both, "new": "a"}), classes=["a", "b"])


def test_the_job_stratifies_by_columns_of_the_sheet(tmp_path):
    sheet = pd.DataFrame({"patient": COHORT, "type": ["a", "b"] * 50, "grade": ["II"] * 100})
    write_table(sheet, tmp_path / "patients.parquet")
    slides = [{"slide": f"{name}-{k}", "patient": name} for name in COHORT for k in range(2)]
    out = tmp_path / "rounds.parquet"
    settings = {"stratify": ["type", "grade"], "patients": tmp_path / "patients.parquet"}
    write_rounds(slides, out, seed=4, **settings)
    aside = read_table(out).query("role == 'test'")["patient"]
    assert sheet.set_index("patient").loc[aside, "type"].value_counts().tolist() == [5, 5]
    with pytest.raises(InputError, match=r"'kind'.*no such column"):
        write_rounds(slides, out, seed=4, **{**settings, "stratify": ["kind"]})
    write_rounds(slides, out, seed=4, method="kfold", folds=4)
    assert read_table(out)["round"].max() == 3
