import pandas as pd
import pytest

from histoniche.cohort.outcome_splits import sides_of_fold, split_by_outcome, write_outcome_split
from histoniche.cohort.splits import patient_digest, roles_in_fold
from histoniche.errors import InputError
from histoniche.tables import read_table


def patients(count, *, cohorts=(None,), died=3):
    """Every so manyth died."""
    return [
        {"patient": f"P{k:03d}", "cohort": cohorts[k % len(cohorts)], "time_days": 10.0 + k,
         "event": int(k % died == 0)}
        for k in range(count)
    ]  # fmt: skip


def test_cohorts_say_who_trains_and_who_validates():
    table = split_by_outcome(
        patients(9, cohorts=("training", "training", "tuning")), folds=None, seed=0
    )
    assert table["role"].tolist() == ["train", "train", "validation"] * 3
    assert table["fold"].isna().all() and table["time_days"].tolist() == [
        10.0 + k for k in range(9)
    ]
    sides, digests = sides_of_fold(table, 0, among=["P000", "P001", "P002", "P005"])
    assert [one.patient for one in sides["train"]] == ["P000", "P001"]
    assert [one.event for one in sides["train"]] == [True, False]
    assert digests["validation"] == sorted(map(patient_digest, ("P002", "P005")))


def test_folds_differ_by_a_patient_at_most_also_among_those_who_died():
    table = split_by_outcome(patients(50, died=4), folds=4, seed=3)
    assert set(table["role"]) == {"test"}
    for rows in (table, table[table["event"] == 1]):
        sizes = rows["fold"].value_counts()
        assert len(sizes) == 4 and sizes.max() - sizes.min() <= 1
    seen = []
    for fold in range(4):
        roles = roles_in_fold(table, fold)
        sides, _ = sides_of_fold(table, fold, among=set(table["patient"]))
        assert len(sides["train"]) == (roles == "train").sum() > 20
        held = set(table.loc[roles == "test", "patient"])
        assert not held & {one.patient for side in sides.values() for one in side}
        seen += sorted(held)
    assert sorted(seen) == table["patient"].tolist()


def test_the_seed_alone_decides_and_not_the_order():
    some = patients(20)
    first = split_by_outcome(some, folds=4, seed=1)
    pd.testing.assert_frame_equal(first, split_by_outcome(some[::-1], folds=4, seed=1))
    assert not first.equals(split_by_outcome(some, folds=4, seed=2))


def test_who_is_divided_together_is_in_one_fold_of_either_signature(tmp_path):
    some = patients(30)
    halves = {
        "scans": [f"P{k:03d}" for k in range(20)],
        "slides": [f"P{k:03d}" for k in range(10, 30)],
    }
    found = {}
    for name, own in halves.items():
        write_outcome_split(some, tmp_path / f"{name}.parquet", own=own, folds=3, seed=0)
        found[name] = read_table(tmp_path / f"{name}.parquet").set_index("patient")["fold"]
        assert list(found[name].index) == own
    both = found["scans"].index.intersection(found["slides"].index)
    assert len(both) == 10 and (found["scans"][both] == found["slides"][both]).all()


@pytest.mark.parametrize(
    ("given", "folds", "words"),
    [
        (patients(6, cohorts=("training",)), None, "in the cohort tuning; name the cohorts"),
        (patients(6), None, "in the cohort training"),
        (patients(2), 3, "3 folds need as many patients with follow-up (2 are there)"),
        ([*patients(6), *patients(1)], 3, "value 'P000': the patient stands there twice"),
    ],
)
def test_a_division_that_cannot_be_is_one_line(given, folds, words):
    with pytest.raises(InputError) as caught:
        split_by_outcome(given, folds=folds, seed=0)
    assert words in str(caught.value)


def test_a_patient_on_two_sides_is_found():
    table = split_by_outcome(patients(6, cohorts=("training", "tuning")), folds=None, seed=0)
    leaky = pd.concat([table, table.iloc[:1].assign(role="validation")])
    with pytest.raises(InputError, match="both sides, train and validation"):
        sides_of_fold(leaky, 0, among=set(table["patient"]))
