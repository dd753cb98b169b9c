"""Maximally selected log-rank statistics against R's maxstat, and what a search does to p."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from lifelines.datasets import load_gbsg2, load_lung

from histoniche.survival.cut_simulation import rates_of_nothing, searches_of_nothing
from histoniche.survival.logrank import log_rank
from histoniche.survival.maximal_log_rank import maximal_log_rank

# R 4.2.2, maxstat 0.7.25, survival 3.5.3; lung without NA in the score, status - 1, and
# data(GBSG2, package = "TH.data"):
# a <- maxstat.test(Surv(time, status) ~ age, lung, smethod = "LogRank", pmethod = "Lau92")
# b, e: the same with "Lau94" and, after set.seed(1), with "condMC", B = 99999;
# c(a$statistic, a$estimate, a$p.value, b$p.value, e$p.value); length(a$cuts); a$stats[1]
MAXSTAT: list[tuple[Any, ...]] = [
    ("lung", "age", 0.1, 2.01361866309724, 70, 0.454580906738577, 0.427174660200422,
     0.290082900829008, 24, 1.12964476462956),
    ("lung", "ph.karno", 0.1, 2.81673926050828, 80, 0.0924206965083093, 0.0183856113092752,
     0.016830168301683, 4, 1.42059790538513),
    # pmethod "Lau94" says 1.36 here: a bound, which we cut off at 1.
    ("lung", "meal.cal", 0.1, 1.38349960744978, 488, 0.887766859996283, 1, 0.690426904269043, 37,
     0.979262776723467),
    # minprop = 0.25, maxprop = 0.75
    ("lung", "age", 0.25, 1.9030715778555, 64, 0.334568805980146, 0.297842241813491,
     0.223022230222302, 13, 0.956039805876774),
    ("gbsg2", "pnodes", 0.1, 7.97024296428026, 3, 2.24100490449325e-13, 9.39432945797536e-15, 0, 11,
     3.99151786529194),
    ("gbsg2", "progrec", 0.1, 6.77166095971655, 21, 1.3070339641861e-09, 8.29004446176275e-10, 0,
     182, 4.2843770012015),
    ("gbsg2", "age", 0.1, 2.80861745587682, 42, 0.0942773638362424, 0.0606858106518775,
     0.046160461604616, 25, 2.303302323576),
]  # fmt: skip


def data(name: str, score: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = load_lung().dropna(subset=score) if name == "lung" else load_gbsg2()
    died = table["status" if name == "lung" else "cens"] == 1
    return table[score].to_numpy(float), table["time"].to_numpy(float), died.to_numpy()


@pytest.mark.parametrize("expected", MAXSTAT, ids=lambda row: f"{row[0]}-{row[1]}-{row[2]}")
def test_searches_equal_maxstat(expected: tuple[Any, ...]) -> None:
    name, score, share, statistic, cut, lau92, lau94, permuted, cuts, first = expected
    found = maximal_log_rank(
        *data(name, score), min_share=share, permutations=2000, rng=np.random.default_rng(0)
    )
    assert found.statistic == pytest.approx(statistic, rel=1e-12)
    assert found.cut == cut
    assert found.p_lausen_schumacher == pytest.approx(lau92, rel=1e-10)
    # maxstat takes this one from 1 - (a number near 1), which leaves it few digits.
    assert found.p_improved_bonferroni == pytest.approx(lau94, rel=1e-4, abs=1e-15)
    error = 4 * np.sqrt(max(permuted, 0.001) / 2000)
    assert found.p_permutation == pytest.approx(permuted, abs=error)
    assert len(found.table) == cuts
    assert found.table["statistic"].iloc[0] == pytest.approx(first, rel=1e-12)


def test_the_table_holds_every_cut_with_the_corrected_p_first() -> None:
    score, time, died = data("gbsg2", "age")
    found = maximal_log_rank(score, time, died, permutations=500, rng=np.random.default_rng(1))
    table = found.table
    assert found._fields.index("p_permutation") == 0
    assert found._fields.index("p_uncorrected") == len(found) - 1
    columns = list(table.columns)
    assert columns.index("p_lausen_schumacher") < columns.index("p_uncorrected")
    best = table.loc[table["statistic"].idxmax()]
    for name in ("p_permutation", "p_lausen_schumacher", "p_improved_bonferroni", "p_uncorrected"):
        assert getattr(found, name) == best[name]
        assert table.sort_values("statistic")[name].is_monotonic_decreasing
    for row in table.itertuples():
        low = score <= row.cut
        assert (row.n_low, row.n_high) == (low.sum(), (~low).sum())
        assert (row.events_low, row.events_high) == (died[low].sum(), died[~low].sum())
    assert (table["p_permutation"] >= table["p_uncorrected"]).all()
    assert (found.n, found.events) == (686, 299)
    summary = found.summary()
    assert summary.loc[0].to_dict() == {k: v for k, v in found._asdict().items() if k != "table"}


def test_the_statistic_is_the_log_rank_tests_and_its_sign_says_who_dies_sooner() -> None:
    score, time, died = data("gbsg2", "pnodes")
    for sign in (1, -1):
        assert (np.sign(maximal_log_rank(sign * score, time, died).table["z"]) == sign).all()
    score = data("gbsg2", "age")[0]
    for row in maximal_log_rank(score, time, died).table.itertuples():
        plain = log_rank(time, died, score > row.cut).statistic
        # The variance among orders of the patients is not quite that of the log-rank test.
        assert row.statistic == pytest.approx(np.sqrt(plain), rel=0.1, abs=0.05)


def test_critical_values_stand_where_p_is_at_the_level() -> None:
    score, time, died = data("lung", "age")
    found = maximal_log_rank(
        score, time, died, permutations=999, rng=np.random.default_rng(2), level=0.3
    )
    table = found.table
    beyond = table["statistic"] > found.critical_permutation
    assert (beyond == (table["p_permutation"] <= 0.3)).all()
    # maxstat: pLausen92(3.05416898362692, 0.1, 0.9) is 0.05
    strict = maximal_log_rank(score, time, died)
    assert strict.critical_lausen_schumacher == pytest.approx(3.05416898, abs=1e-7)
    assert np.isnan([strict.p_permutation, strict.critical_permutation]).all()
    assert (beyond.any(), beyond.all()) == (True, False)


def test_order_of_patients_and_scale_of_the_score_do_not_matter() -> None:
    score, time, died = data("gbsg2", "age")
    order = np.random.default_rng(0).permutation(len(score))
    one = maximal_log_rank(score, time, died)
    two = maximal_log_rank(np.exp(score[order] / 10), time[order] / 30.4, died[order])
    np.testing.assert_allclose(one.table["z"], two.table["z"], rtol=1e-10)
    assert two.cut == pytest.approx(np.exp(one.cut / 10))


def test_a_planted_cut_is_found() -> None:
    rng = np.random.default_rng(5)
    score = rng.random(300)
    time = rng.exponential(np.where(score > 0.7, 100, 400))
    found = maximal_log_rank(
        score, time, rng.random(300) < 0.8, permutations=999, rng=np.random.default_rng(0)
    )
    assert found.cut == pytest.approx(0.7, abs=0.03)
    assert found.p_permutation == 1 / 1000
    assert found.p_lausen_schumacher < 1e-6


def test_where_there_is_nothing_the_corrected_p_are_honest_and_the_raw_one_is_not() -> None:
    searches = searches_of_nothing(studies=400, seed=1, patients=80, permutations=99)
    assert scipy.stats.kstest(searches["p_permutation"], "uniform").pvalue > 0.01
    rates = rates_of_nothing(searches, levels=(0.05,)).set_index("way")
    assert rates.loc["p_permutation", "low"] < 0.05 < rates.loc["p_permutation", "high"]
    # The approximations err on the safe side in small studies.
    assert rates.loc["p_lausen_schumacher", "rate"] < 0.06
    assert rates.loc["p_improved_bonferroni", "rate"] < 0.06
    assert rates.loc["p_uncorrected", "low"] > 0.25
    assert rates.loc["p_uncorrected", "found"] == (searches["p_uncorrected"] <= 0.05).sum()


def test_the_same_seed_gives_the_same_searches() -> None:
    one, two, other = (searches_of_nothing(studies=3, seed=s, patients=40) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


def test_permutations_without_a_generator_are_refused() -> None:
    with pytest.raises(ValueError, match="random generator"):
        maximal_log_rank([1, 2, 3, 4], [1, 2, 3, 4], [1, 1, 1, 1], permutations=9)
