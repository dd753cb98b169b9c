"""Highlighted areas of patients of high and of low risk."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.errors import InputError
from histoniche.imaging.activation_groups import compare_activation, location_shift
from histoniche.tables import read_table, write_table

HIGH = np.array([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46])
LOW = np.array([1.15, 0.88, 0.90, 0.74, 1.21])


def compare(folder, values, scores, cuts=None):
    write_table(values, folder / "values.parquet")
    write_table(scores, folder / "scores.parquet")
    if cuts is not None:
        write_table(cuts, folder / "cuts.parquet")
    compare_activation(
        folder / "values.parquet",
        folder / "scores.parquet",
        None if cuts is None else folder / "cuts.parquet",
        folder / "out.parquet",
        score="dls",
        confidence=0.95,
    )
    return read_table(folder / "out.parquet").set_index("map")


def tables(count, *, shift, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"P{k:03d}" for k in range(count)]
    risk = rng.permutation(np.linspace(0.02, 0.98, count))
    scores = pd.DataFrame({"patient": names, "role": "train", "fold": pd.NA, "dls": risk})
    values = pd.concat(
        [
            pd.DataFrame(
                {"patient": names, "map": name, "outside": 0.0,
                 "inside": rng.normal(size=count) + by * (risk > 0.5)}
            )
            for name, by in shift.items()
        ]
    )  # fmt: skip
    return values, scores.astype({"fold": "Int64"})


def test_the_shift_is_that_of_hodges_and_lehmann():
    """Depletion data of Hollander & Wolfe 1973, 69f, as in R's wilcox.test.

    R 4: wilcox.test(x, y, conf.int = TRUE) gives p = 0.2544 and an estimate of 0.305.
    """
    found = location_shift(HIGH, LOW, confidence=0.95)
    assert found.value == pytest.approx(0.305)
    assert found.p == pytest.approx(0.2544, abs=5e-5)
    assert found.low < 0 < found.high
    turned = location_shift(LOW, HIGH, confidence=0.95)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        first, second = rng.standard_t(3, 15) + 0.7, rng.standard_t(3, 20)
        found = location_shift(first, second, confidence=0.9)
        held += found.low <= 0.7 <= found.high
    assert 0.87 <= held / 1000 <= 0.93


def test_maps_that_differ_are_found_and_others_are_not(tmp_path):
    values, scores = tables(60, shift={"FA": 1.5, "MD": -1.5, "AD": 0, "RD": 0})
    found = compare(tmp_path, values, scores)
    assert list(found.index) == ["FA", "MD", "AD", "RD"]
    assert (found["rule"] == "median").all() and (found["n_high"] == 30).all()
    assert found.loc["FA", "difference_low"] > 0 > found.loc["MD", "difference_high"]
    assert (found.loc[["FA", "MD"], "q"] < 0.01).all() and (
        found.loc[["AD", "RD"], "q"] > 0.05
    ).all()
    assert found["q"].to_numpy() == pytest.approx(
        scipy.stats.false_discovery_control(found["p"].to_numpy())
    )
    own = values[values["map"] == "FA"].set_index("patient")["inside"]
    high = own[scores.loc[scores["dls"] > found.loc["FA", "cut"], "patient"]]
    assert found.loc["FA", "mean_high"] == pytest.approx(high.mean())
    assert found.loc["FA", "median_high"] == pytest.approx(high.median())


def test_the_frozen_cut_divides_where_there_is_one(tmp_path):
    values, scores = tables(40, shift={"FA": 0})
    cuts = pd.DataFrame({"score": ["CT", "dls"], "cut": [0.1, 0.8]})
    found = compare(tmp_path, values, scores, cuts).loc["FA"]
    assert (found["rule"], found["cut"]) == ("frozen", 0.8)
    assert found["n_high"] == (scores["dls"] > 0.8).sum()
    # A score that could not be cut has none.
    found = compare(tmp_path, values, scores, cuts.assign(cut=np.nan)).loc["FA"]
    assert found["rule"] == "median"


def test_the_median_is_that_of_the_patients_learned_from(tmp_path):
    values, scores = tables(40, shift={"FA": 0})
    scores["role"] = ["train"] * 10 + ["test"] * 30
    found = compare(tmp_path, values, scores).loc["FA"]
    assert found["cut"] == pytest.approx(scores["dls"][:10].median())


def test_a_group_of_one_is_not_tested_and_nobody_is_an_error(tmp_path):
    values, scores = tables(10, shift={"FA": 0})
    cuts = pd.DataFrame({"score": ["dls"], "cut": [scores["dls"].nlargest(2).iloc[1]]})
    found = compare(tmp_path, values, scores, cuts).loc["FA"]
    assert found["n_high"] == 1 and found[["difference", "p", "q"]].isna().all()
    with pytest.raises(InputError, match="no patient has activation"):
        compare(tmp_path, values[:0], scores)


@pytest.mark.parametrize(("sizes", "known"), [((2, 2), False), ((3, 3), False), ((4, 4), True)])
def test_so_few_patients_that_no_shift_can_be_refused_have_no_interval(sizes, known):
    """Of 3 and 3 patients the surest order has p = 0.1: no interval of 95 % is finite."""
    first, second = np.arange(sizes[0]) + 10.0, np.arange(sizes[1]) / 7
    found = location_shift(first, second, confidence=0.95)
    assert found.value == pytest.approx(np.median(np.subtract.outer(first, second)))
    assert (not np.isnan([found.low, found.high]).any()) == known
    assert np.isfinite(location_shift(first, second, confidence=0.6).low)


def test_patients_without_a_value_are_not_counted_and_those_seen_are_told(tmp_path):
    values, scores = tables(12, shift={"FA": 0, "MD": 0})
    scores["role"] = ["train"] * 3 + ["validation"] * 2 + ["test"] * 7
    place = (values["map"] == "MD") & values["patient"].isin(["P000", "P011"])
    values.loc[place, "inside"] = np.nan
    found = compare(tmp_path, values, scores)
    assert (found["n_high"] + found["n_low"]).tolist() == [12, 10]
    assert found["n_seen"].tolist() == [5, 4]
    assert found["p"].notna().all()
