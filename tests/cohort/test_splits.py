import pandas as pd
import pytest

from histoniche.cohort.splits import (
    audit_leakage,
    patient_digest,
    recall_roles,
    roles_in_fold,
    split_patients,
    unseen,
)
from histoniche.errors import InputError

SETTINGS = {"method": "ratio", "ratio": [14, 1, 1], "folds": 5, "fold": 0, "seed": 3}


def slides_of(patients, *, each=2, annotated=True, role=None):
    return [
        {"slide": f"{patient}-{k}", "patient": patient, "annotated": annotated, "role": role}
        for patient in patients
        for k in range(each)
    ]


def count(table):
    return table["role"].value_counts().to_dict()


def test_ratio_14_1_1_divides_32_patients_as_gbm_wssm():
    slides = slides_of([f"P{k}" for k in range(32)])
    table = split_patients(slides, **SETTINGS)
    assert count(table) == {"train": 28, "validation": 2, "test": 2}


def test_small_cohorts_still_get_one_patient_for_each_side():
    table = split_patients(slides_of(["A", "B", "C", "D"]), **SETTINGS)
    assert count(table) == {"train": 2, "validation": 1, "test": 1}


def test_patients_without_annotation_are_only_applied_to():
    slides = [*slides_of(["A", "B", "C"]), *slides_of(["X"], annotated=False)]
    table = split_patients(slides, **SETTINGS).set_index("patient")
    assert table["role"]["X"] == "apply"


def test_the_same_seed_gives_the_same_split_whatever_the_order():
    slides = slides_of([f"P{k}" for k in range(20)])
    first = split_patients(slides, **SETTINGS)
    again = split_patients(slides[::-1], **SETTINGS)
    other = split_patients(slides, **{**SETTINGS, "seed": 4})
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_folds_cover_every_patient_once():
    slides = slides_of([f"P{k}" for k in range(11)])
    tested = []
    for fold in range(5):
        table = split_patients(slides, **{**SETTINGS, "method": "kfold", "fold": fold})
        tested += table.loc[table["role"] == "test", "patient"].tolist()
        assert (table["fold"].value_counts() >= 2).all()
    assert sorted(tested) == sorted({slide["patient"] for slide in slides})


def test_a_cross_validation_tests_every_patient_and_its_folds_train_on_others():
    slides = [*slides_of([f"P{k}" for k in range(11)]), *slides_of(["X"], annotated=False)]
    table = split_patients(slides, **{**SETTINGS, "method": "kfold", "fold": None})
    assert count(table) == {"test": 11, "apply": 1}
    for fold in range(5):
        one = split_patients(slides, **{**SETTINGS, "method": "kfold", "fold": fold})
        assert roles_in_fold(table, fold).tolist() == one["role"].tolist()
        tested = table.loc[roles_in_fold(table, fold) == "test", "fold"]
        assert set(tested) == {fold}


def test_more_folds_than_annotated_patients_are_an_error():
    slides = slides_of(["A", "B", "C", "D"])
    with pytest.raises(InputError, match="5 folds need as many annotated patients"):
        split_patients(slides, **{**SETTINGS, "method": "kfold", "fold": None})


def test_given_roles_with_a_patient_on_both_sides_fail():
    slides = [
        *slides_of(["A"], role="train", each=1),
        *slides_of(["B"], role="validation", each=1),
        {"slide": "A-9", "patient": "A", "annotated": True, "role": "test"},
    ]
    with pytest.raises(InputError, match=r"'A'.*both sides, train and test"):
        split_patients(slides, **{**SETTINGS, "method": "given"})


def test_the_audit_finds_a_leak_in_a_finished_table():
    table = pd.DataFrame(
        {"patient": ["A", "B", "A"], "role": ["train", "validation", "validation"]}
    )
    with pytest.raises(InputError, match="both sides"):
        audit_leakage(slides_of(["A", "B"]), table)


def test_too_few_annotated_patients_are_an_error():
    with pytest.raises(InputError, match="role train"):
        split_patients(slides_of(["A", "B"]), **SETTINGS)


def test_a_blank_role_leaves_the_word_to_the_patients_other_slides():
    slides = [
        *slides_of(["A"], role="train", each=1),
        *slides_of(["B"], role="validation", each=1),
        {"slide": "A-9", "patient": "A", "annotated": True, "role": None},
    ]
    table = split_patients(slides, **{**SETTINGS, "method": "given"}).set_index("patient")
    assert table["role"].to_dict() == {"A": "train", "B": "validation"}


def test_models_that_are_brought_along_say_whom_they_have_seen():
    first = {"train": [patient_digest("A")], "validation": [patient_digest("B")]}
    second = {"train": [patient_digest("B")], "validation": [patient_digest("C")]}
    table = recall_roles(["D", "A", "B", "C", "D"], [[first], [second]])
    assert dict(zip(table["patient"], table["role"], strict=True)) == {
        "A": "train", "B": "train", "C": "validation", "D": "apply",
    }  # fmt: skip
    assert list(table.columns) == ["patient", "role", "fold"]


def test_of_a_cross_validations_models_those_are_asked_that_have_not_seen_the_patient():
    digest = {name: patient_digest(name) for name in "ABC"}
    folds = [
        {"train": [digest["C"]], "validation": [digest["B"]]},
        {"train": [digest["A"]], "validation": [digest["C"]]},
        {"train": [digest["B"]], "validation": [digest["A"]]},
    ]
    assert [unseen(folds, name) for name in "ABC"] == [[0], [1], [2]]
    assert unseen(folds, "new") == [0, 1, 2]
    # Nobody who has not seen A is there, so all are asked, and the role says so.
    assert unseen(folds[1:], "A") == [0, 1]
    roles = recall_roles("ABC", [folds[1:]]).set_index("patient")["role"]
    assert roles.to_dict() == {"A": "validation", "B": "apply", "C": "apply"}
