"""Two ways of training the same labels, told apart by their rounds."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table
from histoniche.traits.rounds import draw_folds, draw_rounds
from histoniche.traits.training_comparison import COLUMNS, compare_trainings, training_share

NAMES = [f"P{k}" for k in range(20)]
ROUNDS = draw_rounds(NAMES, seed=0, rounds=5, test=0.1, validation=0.1)
RNG = np.random.default_rng(0)
VALUES = {
    ("slide", "high", "auroc"): (RNG.normal(0.7, 0.03, 5), RNG.normal(0.8, 0.03, 5)),
    ("slide", "all", "accuracy"): (RNG.normal(0.7, 0.03, 5), RNG.normal(0.7, 0.03, 5)),
    ("patient", "high", "auroc"): (RNG.normal(0.7, 0.03, 5), RNG.normal(0.72, 0.03, 5)),
}


def metrics(which, *, extra=()):
    rows = [
        {"trait": "x", "set": name, "model": model, "level": level, "class": one, "metric": metric,
         "value": value if name == "test" else 0.1}
        for (level, one, metric), pair in VALUES.items()
        for name in ("test", "ood_all")
        for model, value in [*zip("01234", pair[which], strict=True), ("ensemble", 0.99)]
    ]  # fmt: skip
    return pd.DataFrame([*rows, *extra])


@pytest.fixture
def compare(tmp_path):
    tiles = {"set": "test", "level": "tile", "class": "high", "metric": "auroc", "value": 0.6}
    extra = [{"trait": "x", "model": str(k), **tiles} for k in range(5)]
    paths = {name: tmp_path / f"{name}.parquet" for name in ("first", "second", "other")}
    write_table(metrics(0, extra=extra), paths["first"])
    write_table(metrics(1), paths["second"])
    write_table(metrics(1).assign(**{"class": "IV"}), paths["other"])
    write_table(ROUNDS, tmp_path / "rounds.parquet")

    def run(**comparisons):
        out = tmp_path / "out.parquet"
        compare_trainings(paths, tmp_path / "rounds.parquet", out, comparisons=comparisons)
        return read_table(out)

    return run


def block(test, second="second"):
    return {"first": "first", "second": second, "test": test}


def test_each_metric_that_both_have_is_tested_over_the_rounds_on_test_patients(compare):
    table = compare(p=block("paired"), s=block("student"))
    assert list(table.columns) == list(COLUMNS)
    # Tiles are of the first alone.
    assert len(table) == 2 * 3 and set(table["level"]) == {"slide", "patient"}
    for name, oracle in (("p", scipy.stats.ttest_rel), ("s", scipy.stats.ttest_ind)):
        own = table[table["comparison"] == name].set_index(["level", "class", "metric"])
        p = []
        for key, (first, second) in VALUES.items():
            row = own.loc[key]
            p.append(oracle(second, first).pvalue)
            assert row["p"] == pytest.approx(p[-1])
            assert row["difference"] == pytest.approx(second.mean() - first.mean())
            assert (row["first"], row["second"], row["first_runs"]) == ("first", "second", 5)
        found = own.loc[list(VALUES), "q"].to_numpy()
        assert found == pytest.approx(scipy.stats.false_discovery_control(p))


def test_the_corrected_test_takes_the_share_of_test_to_training_patients(compare):
    # Of 20 patients 2 test and 16 train.
    assert training_share(ROUNDS) == pytest.approx(1 / 8)
    # Of 4 folds one tests and two train.
    assert training_share(draw_folds(NAMES, seed=0, folds=4)) == pytest.approx(1 / 2)
    row = compare(c=block("corrected")).query("level == 'slide' and metric == 'auroc'").iloc[0]
    difference = VALUES["slide", "high", "auroc"][1] - VALUES["slide", "high", "auroc"][0]
    t = difference.mean() / np.sqrt((1 / 5 + 1 / 8) * difference.var(ddof=1))
    assert row["t"] == pytest.approx(t)
    assert row["p"] == pytest.approx(2 * scipy.stats.t.sf(abs(t), 4))


def test_traits_of_other_classes_cannot_be_compared(compare):
    with pytest.raises(
        InputError, match=r"comparisons.c: first and other have no metric in common"
    ):
        compare(c=block("student", "other"))
