import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table
from histoniche.traits.gene_values import percentiles
from histoniche.traits.labels import (
    class_values,
    column_labels,
    expression_labels,
    label_slides,
)


def slides_of(patients, each=1):
    rows = [(f"{patient}-{k}", patient) for patient in patients for k in range(each)]
    return pd.DataFrame(rows, columns=["slide", "patient"])


def column(values, name="grade", key="patient"):
    return pd.Series(values, name=name).rename_axis(key)


def expression(values):
    return pd.Series({f"P{k}": value for k, value in enumerate(values)}, dtype=float)


def label_expression(values, each=1, **settings):
    names = [f"P{k}" for k in range(len(values))]
    settings = {"trait": "MKI67", "fewest": 1, **settings}
    return expression_labels(slides_of(names, each), expression(values), **settings)


def test_ten_patients_by_hand_fall_into_the_deciles_of_the_paper():
    # Percentiles .05, .15, ... .95: two low, two high, the third and the eighth are near.
    table = label_expression([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    assert table["percentile"].tolist() == pytest.approx(np.arange(0.05, 1, 0.1))
    assert table["set"].tolist() == ["in", "in", "near", *["far"] * 4, "near", "in", "in"]
    assert table["class"].tolist() == [*["low"] * 5, *["high"] * 5]
    assert table["value"].tolist() == list(range(10, 101, 10))


def test_the_cuts_belong_to_ood_near_and_its_far_ends_to_ood_far():
    # Ties put percentiles on 0.2, 0.3, 0.7 and 0.8: 20 patients, percentile (rank - 0.5) / 20.
    values = [1, 2, 3, 5, 5, 6, 6, 8, 9, 10, 11, 12, 13, 15, 15, 16, 16, 18, 19, 20]
    table = label_expression(values)
    found = dict(
        zip(table["value"], zip(table["percentile"], table["set"], strict=True), strict=True)
    )
    assert found[3] == (0.125, "in")
    assert found[5] == (0.2, "near")
    assert found[6] == (0.3, "far")
    assert found[15] == (0.7, "far")
    assert found[16] == (0.8, "near")
    assert found[18] == (0.875, "in")


def test_equal_expression_is_never_parted_and_the_median_has_no_class():
    table = label_expression([1, 2, 3, 3, 3, 3, 3, 4, 5])
    assert table["percentile"][2:7].nunique() == 1
    assert table["class"].tolist() == ["low", "low", *[None] * 5, "high", "high"]
    assert set(table["set"][2:7]) == {"far"}
    assert set(table["reason"][2:7]) == {"at the median, neither low nor high"}


def test_percentiles_are_scipys_mean_percentiles_and_symmetric():
    values = np.random.default_rng(0).integers(0, 12, 60).astype(float)
    oracle = [scipy.stats.percentileofscore(values, value, "mean") / 100 for value in values]
    assert percentiles(values) == pytest.approx(oracle, abs=1e-9)
    assert percentiles(-values) == pytest.approx(1 - percentiles(values), abs=1e-9)


def test_every_patient_counts_once_however_many_slides_and_slides_inherit():
    once = label_expression(range(10)).set_index("patient")
    names = [f"P{k}" for k in range(10)]
    slides = pd.concat([slides_of(names), slides_of(["P0"] * 7).assign(slide=list("abcdefg"))])
    many = expression_labels(slides, expression(range(10)), trait="t", fewest=1)
    assert (many["percentile"].to_numpy() == once.loc[many["patient"], "percentile"]).all()
    assert (many.loc[many["patient"] == "P0", "class"] == "low").all()


def test_patients_without_a_slide_or_a_measurement_do_not_shift_the_percentiles():
    values = expression([*range(10), 5, np.nan])
    slides = slides_of([f"P{k}" for k in range(10)] + ["P11", "new"])
    table = expression_labels(slides, values, trait="t", fewest=1)
    assert table["percentile"][:10].tolist() == pytest.approx(np.arange(0.05, 1, 0.1))
    assert table["set"][10:].tolist() == ["unlabelled"] * 2
    assert table["reason"][10:].tolist() == ["expression was not measured"] * 2


def test_so_many_equal_lowest_values_that_nobody_is_low_are_an_error():
    with pytest.raises(InputError, match=r"one class only, high.*gene of fewer equal values"):
        label_expression([0] * 6 + [1, 2, 3, 4], trait="XIST")


def test_cuts_out_of_order_are_an_error():
    with pytest.raises(
        InputError, match=r"traits\.named\.MKI67\.expression: the cuts are out of order"
    ):
        label_expression(range(10), low=0.4, high=0.5)


def test_classes_of_a_column_keep_the_declared_order_and_missing_ones_are_listed():
    values = column({"A": "II", "B": "III", "C": "IV", "D": "", "E": "I", "F": np.nan, "H": "II"})
    table = column_labels(
        slides_of("ABCDEFG"), values, trait="t", classes=["II", "III", "IV"], fewest=1
    )
    assert table["class"].tolist() == ["II", "III", "IV", None, None, None, None]
    assert table["set"].tolist() == ["in"] * 3 + ["unlabelled"] * 4
    assert table["reason"].tolist() == [
        "", "", "", "no value of grade", "grade I is in no class", "no value of grade",
        "the patient is not in the sheet",
    ]  # fmt: skip


def test_merged_classes_and_whole_numbers():
    values = column({"A": 2.0, "B": 3.0, "C": 4.0, "D": np.nan})
    classes = {"low": [2, 3], "high": [4]}
    table = column_labels(slides_of("ABCD"), values, trait="t", classes=classes, fewest=1)
    assert table["class"].tolist() == ["low", "low", "high", None]


def test_a_column_of_the_slides_labels_slides():
    values = column({"A-0": "x", "A-1": "y", "B-0": "x", "B-1": "y"}, key="slide")
    table = column_labels(slides_of("AB", 2), values, trait="t", classes=["x", "y"], fewest=2)
    assert table["class"].tolist() == ["x", "y", "x", "y"]


def test_one_class_or_too_few_patients_of_one_are_an_error():
    values = column({"A": "x", "B": "x", "C": "x", "D": "y"})
    slides = slides_of("ABCD", 3)
    with pytest.raises(
        InputError, match=r"traits\.named\.t: 1 patient of the class y, 2 are needed"
    ):
        column_labels(slides, values, trait="t", classes=["x", "y"], fewest=2)
    with pytest.raises(InputError, match=r"one class only, x, in 4 patients; label patients of z"):
        column_labels(slides, values, trait="t", classes=["x", "z"], fewest=2)
    with pytest.raises(InputError, match="no class in 4 patients"):
        column_labels(slides, values, trait="t", classes=["v", "z"], fewest=2)


@pytest.mark.parametrize(
    ("classes", "problem"),
    [
        (["x"], "two or more classes"),
        (["x", "x"], "two or more classes"),
        ({"a": ["x"], "b": ["x", "y"]}, "the value x is in two classes"),
    ],
)
def test_classes_that_are_none_are_an_error(classes, problem):
    with pytest.raises(InputError, match=problem):
        class_values(classes, trait="t")


@pytest.fixture
def tables(tmp_path):
    names = [f"P{k}" for k in range(10)]
    patients = pd.DataFrame({"patient": names, "mgmt": ["yes", "no"] * 5})
    write_table(patients, tmp_path / "patients.parquet")
    genes = pd.DataFrame([range(10), range(10, 0, -1)], columns=names, dtype=float)
    genes.insert(0, "gene", ["MKI67", "hsa-miR-17-5p"])
    write_table(genes, tmp_path / "expression.parquet")
    files = {key: tmp_path / f"{key}.parquet" for key in ("patients", "expression")}
    return slides_of(names).to_dict("records"), tmp_path / "labels.parquet", files


def test_the_job_reads_a_column_and_an_expression(tables):
    slides, out, files = tables
    settings = {"labels": {"column": "mgmt", "of": "patients", "classes": ["no", "yes"]}}
    label_slides(slides, out, trait="MGMT", settings=settings, **files)
    assert read_table(out)["class"].tolist() == ["yes", "no"] * 5
    settings = {"expression": {"gene": "hsa-miR-17-5p", "low": 0.3, "high": 0.7, "near": 0.1}}
    label_slides(slides, out, trait="mir17", settings=settings, **files)
    table = read_table(out)
    assert table["class"].tolist() == ["high"] * 5 + ["low"] * 5
    assert (table["set"] == "in").sum() == 6


def test_the_job_says_which_gene_or_column_is_missing_and_writes_nothing(tables):
    slides, out, files = tables
    with pytest.raises(
        InputError, match=r"traits\.named\.t\.expression\.gene.*no such gene; did you mean MKI67"
    ):
        label_slides(slides, out, trait="t", settings={"expression": {"gene": "MKI76"}}, **files)
    settings = {"labels": {"column": "egfr", "classes": ["a", "b"]}}
    with pytest.raises(
        InputError,
        match=r"traits\.named\.t\.labels\.column, value 'egfr'.*choose among patient, mgmt",
    ):
        label_slides(slides, out, trait="t", settings=settings, **files)
    with pytest.raises(InputError, match="no table of expression"):
        label_slides(slides, out, trait="t", settings={"expression": {"gene": "A"}})
    assert not out.exists()
