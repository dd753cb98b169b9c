"""How well a risk tells who dies sooner, cohort by cohort."""

import lifelines.utils
import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.learning.concordance import permutation_p
from histoniche.risk_evaluation import ALL_FOLDS, evaluate_risk
from histoniche.tables import read_table, write_table
from scan_cohort import outcomes


def evaluate(folder, table, *, bootstraps=200):
    """Scores whose fold, role and cohort the table states."""
    columns = ["patient", "cohort", "role", "fold", "log_hazard", "dls"]
    write_table(table[columns].astype({"fold": "Int64"}), folder / "scores.parquet")
    followed = table.rename(columns={"time": "time_days"})[["patient", "time_days", "event"]]
    write_table(followed, folder / "patients.parquet")
    evaluate_risk(
        folder / "scores.parquet",
        folder / "patients.parquet",
        folder / "out.parquet",
        score="dls",
        bootstraps=bootstraps,
        confidence=0.95,
        seed=0,
    )
    return read_table(folder / "out.parquet")


def scored(count, *, noise=0.5, seed=0, shuffled=False, **facts):
    table = outcomes(count, seed=seed, shuffled=shuffled)
    rng = np.random.default_rng(seed)
    table["log_hazard"] = table["hazard"] + rng.normal(0, noise, count)
    table["dls"] = 1 / (1 + np.exp(-table["log_hazard"]))
    return table.assign(**{"cohort": "training", "role": "train", "fold": pd.NA, **facts})


def test_concordance_of_each_cohort_equals_lifelines(tmp_path):
    table = pd.concat([scored(60), scored(40, seed=1, cohort="external validation", role="test")])
    table["patient"] = [f"P{k:03d}" for k in range(100)]
    found = evaluate(tmp_path, table).set_index("cohort")
    assert list(found.index) == ["training", "external validation"]
    for cohort, rows in table.groupby("cohort"):
        expected = lifelines.utils.concordance_index(rows["time"], -rows["dls"], rows["event"])
        assert found.loc[cohort, "concordance"] == pytest.approx(expected, abs=1e-12)
        assert found.loc[cohort, ["patients", "events"]].tolist() == [
            len(rows),
            rows["event"].sum(),
        ]
        assert found.loc[cohort, "low"] < expected < found.loc[cohort, "high"]
    assert found["seen"].tolist() == [60, 0]
    assert found.loc["training", "p"] == pytest.approx(1 / 201)


def test_patients_are_compared_within_their_fold_alone(tmp_path):
    parts = [
        scored(30, seed=k, noise=0.1, fold=k, role="test", cohort=None).assign(
            # Each network has a scale of its own.
            dls=lambda part, k=k: (part["dls"] + k) / 3
        )
        for k in range(3)
    ]
    table = pd.concat(parts)
    table["patient"] = [f"P{k:03d}" for k in range(90)]
    found = evaluate(tmp_path, table)
    assert (found["cohort"] == ALL_FOLDS).all() and found["fold"].tolist()[1:] == [0, 1, 2]
    values = [
        lifelines.utils.concordance_index(one["time"], -one["dls"], one["event"]) for one in parts
    ]
    assert found["concordance"].tolist()[1:] == pytest.approx(values)
    assert min(values) <= found.loc[0, "concordance"] <= max(values)
    pooled = lifelines.utils.concordance_index(table["time"], -table["dls"], table["event"])
    assert pooled < found.loc[0, "concordance"] - 0.1


def test_q_is_over_the_cohorts_that_no_network_had_seen(tmp_path):
    parts = [scored(30, seed=9, fold=fold, role="test", cohort=None) for fold in (0, 1)]
    parts += [
        scored(30, seed=k, noise=k, cohort=cohort, role="apply")
        for k, cohort in enumerate(["internal validation", "A", "B"], start=1)
    ]
    parts.append(scored(10, seed=5, cohort="C", role="apply").assign(event=[1] + [0] * 9))
    table = pd.concat(parts)
    table["patient"] = [f"P{k:03d}" for k in range(len(table))]
    found = evaluate(tmp_path, table)
    single = found["fold"].notna()
    for rows in (found[single], found[~single].dropna(subset="p")):
        expected = scipy.stats.false_discovery_control(rows["p"].to_numpy())
        assert rows["q"].tolist() == pytest.approx(expected)
    assert single.sum() == 2 and found["p"].nunique() > 2
    assert pd.isna(found.set_index("cohort").loc["C", "q"])
    # What the networks have seen is no test.
    assert evaluate(tmp_path, table.assign(role="train"))["q"].isna().all()


def test_shuffled_times_leave_a_half_within_the_interval_and_p_uniform(tmp_path):
    held, p = [], []
    for seed in range(40):
        found = evaluate(tmp_path, scored(60, seed=seed, shuffled=True), bootstraps=100).iloc[0]
        held.append(found["low"] <= 0.5 <= found["high"])
        p.append(found["p"])
    assert np.mean(held) >= 0.85
    assert np.mean(np.array(p) <= 0.05) <= 0.15 and np.median(p) > 0.25


def test_a_cohort_of_one_event_is_a_row_without_a_value(tmp_path):
    table = scored(10, cohort=None, role="test").assign(event=[1] + [0] * 9)
    row = evaluate(tmp_path, table).iloc[0]
    assert (row["cohort"], row["patients"], row["events"]) == ("no cohort", 10, 1)
    assert row[["concordance", "low", "high", "p"]].isna().all()


def test_permutations_stay_within_their_stratum():
    rng = np.random.default_rng(0)
    # Risks differ between strata alone: no exchange within one changes anything.
    strata = np.repeat([0, 1], 20)
    times, events = rng.permutation(40) + 1.0, np.ones(40, bool)
    p = permutation_p(
        strata.astype(float), times, events, strata, permutations=50, rng=np.random.default_rng(1)
    )
    assert p == 1.0
