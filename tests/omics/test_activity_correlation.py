"""Correlation of activities with scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from activity_table import PATIENTS, activities
from histoniche.errors import InputError
from histoniche.omics.activity_correlation import DTYPES, correlate_activity
from histoniche.tables import read_table, write_table


def scores(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(patient, score, rng.random()) for score in ("CT", "risk") for patient in PATIENTS]
    return pd.DataFrame(rows, columns=["patient", "score", "value"])


def run(folder: Path, activity: pd.DataFrame, score: pd.DataFrame) -> pd.DataFrame:
    paths = [folder / f"{name}.parquet" for name in ("activity", "scores", "out")]
    write_table(activity, paths[0])
    write_table(score, paths[1])
    correlate_activity(*paths[:2], correlation=paths[2])
    return read_table(paths[2])


def test_numbers_equal_scipy_and_q_is_within_score_and_library(tmp_path: Path) -> None:
    activity, score = activities(), scores()
    score.loc[score["patient"].isin(["P1", "P2"]) & (score["score"] == "risk"), "value"] = np.nan
    table = run(tmp_path, activity, score)
    assert list(table) == list(DTYPES)
    assert len(table) == 2 * 2 * 6
    assert table.groupby("score")["n"].unique().map(list).to_dict() == {"CT": [30], "risk": [28]}
    wide = score.pivot(index="patient", columns="score", values="value")
    for row in table.itertuples():
        mask = (activity["library"] == row.library) & (activity["term"] == row.term)
        one = activity[mask].set_index("patient")["activity"]
        pair = pd.concat([one, wide[row.score]], axis=1).dropna()
        expected = scipy.stats.spearmanr(pair.iloc[:, 0], pair.iloc[:, 1])
        assert (row.rho, row.p) == pytest.approx((expected.statistic, expected.pvalue))
    for _, rows in table.groupby(["score", "library"]):
        np.testing.assert_allclose(rows["q"], multipletests(rows["p"], method="fdr_bh")[1])
    assert set(table.loc[table["term"] == "S3", "size"]) == {13}


def test_planted_score_is_found_and_the_other_is_not(tmp_path: Path) -> None:
    activity, score = activities(40), scores()
    planted = activity[(activity["library"] == "two") & (activity["term"] == "S7")]
    value = planted.set_index("patient")["activity"]
    chosen = score["score"] == "CT"
    score.loc[chosen, "value"] = value.loc[score.loc[chosen, "patient"]].to_numpy() * -3
    table = run(tmp_path, activity, score)
    sure = table[table["q"] < 0.05]
    assert sure[["score", "library", "term", "rho"]].to_numpy().tolist() == [
        ["CT", "two", "S7", -1.0]
    ]


def test_p_of_unrelated_scores_is_uniform(tmp_path: Path) -> None:
    p = run(tmp_path, activities(300, seed=5), scores(seed=6))["p"]
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01


def test_score_known_in_few_patients_and_constant_terms_have_no_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    activity, score = activities(), scores()
    few = score[(score["score"] == "CT") | score["patient"].isin(PATIENTS[:9])]
    activity.loc[activity["term"] == "S2", "activity"] = 0.5
    table = run(tmp_path, activity, few)
    risk = table[table["score"] == "risk"]
    assert set(risk["n"]) == {9}
    assert risk[["rho", "p", "q"]].isna().all(axis=None)
    assert "fewer than 10 patients have activities and these scores: risk" in caplog.text
    area = table[table["score"] == "CT"]
    assert set(area.loc[area["rho"].isna(), "term"]) == {"S2"}


def test_scores_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    twice = pd.concat([scores(), scores().head(1)])
    with pytest.raises(InputError, match=r"column CT.*second value of one patient, patient P0"):
        run(tmp_path, activities(), twice)
    infinite = scores().replace({"value": {scores()["value"][3]: np.inf}})
    with pytest.raises(InputError, match=r"column CT.*infinite value, patient P3"):
        run(tmp_path, activities(), infinite)
    strangers = scores().assign(patient="X" + scores()["patient"])
    with pytest.raises(InputError, match="only 0 patients have both"):
        run(tmp_path, activities(), strangers)
    assert not (tmp_path / "out.parquet").exists()
