import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.tables import read_table, write_table
from histoniche.traits.chain_evaluation import evaluate_chain
from histoniche.traits.rounds import draw_rounds
from trait_stores import write_network

STEPS = {"gbm": {"lower": ["II", "III"], "GBM": ["IV"]}, "lower": {"II": ["II"], "III": ["III"]}}
GRADES = ["II", "III", "IV"]


@pytest.fixture
def chain(tmp_path):
    """A chain whose second step knows the grades, and a single model that does not."""
    rng = np.random.default_rng(0)
    names = [f"P{k:02d}" for k in range(24)]
    truth = np.arange(24) % 3
    labels = pd.DataFrame(
        {"slide": names, "patient": names, "class": np.array(GRADES)[truth], "set": "in"}
    )
    write_table(labels, tmp_path / "labels.parquet")
    rounds = draw_rounds(names, seed=2, rounds=3, test=0.5)
    write_table(rounds, tmp_path / "rounds.parquet")
    steps, single = {"gbm": {}, "lower": {}}, {}
    for number in range(3):
        for key, at in (("gbm", steps["gbm"]), ("lower", steps["lower"]), ("single", single)):
            at[number] = {}
            for name, own in zip(names, truth, strict=True):
                gbm = np.clip((0.8 if own == 2 else 0.2) + 0.1 * rng.normal(size=6), 0, 1)
                third = np.clip((0.8 if own == 1 else 0.2) + 0.1 * rng.normal(size=6), 0, 1)
                if key == "single":
                    third = rng.random(6)
                    values = np.stack([(1 - gbm) * (1 - third), (1 - gbm) * third, gbm], 1)
                    found, classes = values, GRADES
                else:
                    found, classes = (gbm if key == "gbm" else third), list(STEPS[key])
                at[number][name] = write_network(tmp_path, name, found, f"{key}{number}", classes)
    return steps, single, tmp_path / "labels.parquet", tmp_path / "rounds.parquet"


@pytest.mark.parametrize("score", ["mean", "share"])
def test_the_better_second_step_is_found_on_tiles_and_slides(chain, tmp_path, score):
    outs = {name: tmp_path / f"{name}.parquet" for name in ("metrics", "comparison")}
    evaluate_chain(
        *chain, **outs, name="grade", chain=STEPS, classes=GRADES, score=score, seed=0, draws=50
    )
    table = read_table(outs["metrics"])
    assert set(table["round"]) == {0, 1, 2}
    key = ["level", "step", "class", "metric", "model"]
    mean = table.groupby(key)["value"].mean()
    for level in ("tile", "slide"):
        third = mean.loc[(level, "lower", "III", "auroc")]
        assert third["chain"] > 0.95
        assert third["single"] < 0.85
        assert mean.loc[(level, "gbm", "GBM", "auroc")].min() > 0.95
    assert set(table.query("level == 'tile' and step == 'all'")["n"]) == {72}
    assert set(table.query("level == 'slide' and step == 'all'")["patients"]) == {12}
    compared = read_table(outs["comparison"]).set_index(key[:-1])
    row = compared.loc[("tile", "all", "all", "accuracy")]
    values = table.query("level == 'tile' and step == 'all' and `class` == 'all'")
    wide = values.pivot(index="round", columns="model", values="value")
    oracle = scipy.stats.ttest_rel(wide["chain"], wide["single"])
    assert row["p"] == pytest.approx(oracle.pvalue)
    assert row["difference"] > 0.2
    assert (row["first_runs"], row["test"]) == (3, "paired")
