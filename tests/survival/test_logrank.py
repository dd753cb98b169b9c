"""Weighted, stratified and trend log-rank tests, and those of pairs, against R."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from lifelines.datasets import load_gbsg2
from lifelines.statistics import logrank_test

from histoniche.errors import InputError
from histoniche.survival.logrank import log_rank, log_rank_trend
from histoniche.survival.logrank_pairs import pairwise_log_rank

# All R numbers of this file: R 4.2.2, survival 3.5.3. L is lung without NA in ph.ecog, G is
# data(GBSG2, package = "TH.data").


@pytest.fixture
def ecog(lung: pd.DataFrame) -> pd.DataFrame:
    return lung.dropna(subset="ecog")


@pytest.fixture
def gbsg2() -> pd.DataFrame:
    return load_gbsg2()


@pytest.mark.parametrize(
    ("rho", "chi2", "observed", "expected"),
    [
        # d <- survdiff(Surv(time, status) ~ sex, lung, rho = rho): d$chisq, d$obs, d$exp
        (0, 10.3267419548856, (112, 53), (91.5817390295728, 73.4182609704272)),
        (
            1,
            12.7141514011575,
            (70.3775422947522, 28.7286532721899),
            (55.5710854717843, 43.5351100951578),
        ),
        (
            0.5,
            12.2506683372477,
            (86.3699928949584, 37.6801690031705),
            (69.1317755501832, 54.9183863479457),
        ),
    ],
)
def test_two_groups_equal_r(
    lung: pd.DataFrame, rho: float, chi2: float, observed: tuple[float], expected: tuple[float]
) -> None:
    found = log_rank(
        lung["time_days"], lung["event"], lung["sex"], rho=rho, order=("male", "female")
    )
    assert found.statistic == pytest.approx(chi2, rel=1e-12)
    assert found.p == pytest.approx(scipy.stats.chi2.sf(chi2, 1), rel=1e-11)
    assert (found.df, found.n, found.events, found.note) == (1, 228, 165, "")
    groups = found.groups.set_index("group")
    assert groups["weighted_events"].tolist() == pytest.approx(observed, rel=1e-12)
    assert groups["weighted_expected"].tolist() == pytest.approx(expected, rel=1e-12)
    assert groups[["n", "events"]].to_numpy().tolist() == [[138, 112], [90, 53]]
    assert groups["expected"].tolist() == pytest.approx((91.5817390295728, 73.4182609704272))
    assert groups.loc["male", "ratio"] == pytest.approx(112 / 91.5817390295728)


def test_several_groups_equal_r(ecog: pd.DataFrame, gbsg2: pd.DataFrame) -> None:
    # survdiff(Surv(time, status) ~ ph.ecog, L, rho = 0 or 1)$chisq
    for rho, chi2 in ((0, 21.962131682476), (1, 23.395293370343)):
        found = log_rank(ecog["time_days"], ecog["event"], ecog["ecog"], rho=rho)
        assert (found.statistic, found.df) == (pytest.approx(chi2, rel=1e-12), 3)
    # $exp of rho = 0
    exp = [54.1526970189229, 83.5275645750819, 26.1473530653302, 0.172385340664962]
    assert found.groups["expected"].tolist() == pytest.approx(exp, rel=1e-12)
    # survdiff(Surv(time, cens) ~ tgrade, G, rho = 0 or 1)$chisq
    for rho, chi2 in ((0, 21.0944345875009), (1, 25.5843406283069)):
        found = log_rank(gbsg2["time"], gbsg2["cens"], gbsg2["tgrade"], rho=rho)
        assert (found.statistic, found.df) == (pytest.approx(chi2, rel=1e-12), 2)


def test_strata_equal_r(ecog: pd.DataFrame, gbsg2: pd.DataFrame) -> None:
    # survdiff(Surv(time, status) ~ sex + strata(ph.ecog), L, rho = rho)$chisq; rowSums(d$exp)
    exp = {0: (90.6410226636549, 73.3589773363452), 1: (55.4415793241258, 42.8821450471113)}
    for rho, chi2 in ((0, 10.7950596334964), (1, 13.8577727533752)):
        found = log_rank(
            ecog["time_days"], ecog["event"], ecog["sex"],
            rho=rho, strata=ecog["ecog"], order=("male", "female"),
        )  # fmt: skip
        assert found.statistic == pytest.approx(chi2, rel=1e-12)
        assert found.groups["weighted_expected"].tolist() == pytest.approx(exp[rho], rel=1e-12)
    # survdiff(Surv(time, cens) ~ tgrade + strata(menostat), G, rho = rho)$chisq
    for rho, chi2 in ((0, 20.6210809398008), (1, 25.0768643785377)):
        found = log_rank(
            gbsg2["time"], gbsg2["cens"], gbsg2["tgrade"], rho=rho, strata=gbsg2["menostat"]
        )
        assert found.statistic == pytest.approx(chi2, rel=1e-12)


# fh <- function(time, event, group, rho, gamma) {
#   t <- sort(unique(time[event == 1])); g <- sort(unique(group)); k <- length(g)
#   S <- summary(survfit(Surv(time, event) ~ 1), times = t)$surv; S <- c(1, S[-length(S)])
#   w <- S^rho * (1 - S)^gamma; U <- numeric(k); V <- matrix(0, k, k)
#   for (i in seq_along(t)) {
#     n <- sum(time >= t[i]); d <- sum(time == t[i] & event == 1)
#     m <- sapply(g, function(a) sum(time >= t[i] & group == a))
#     o <- sapply(g, function(a) sum(time == t[i] & event == 1 & group == a))
#     U <- U + w[i] * (o - m * d / n)
#     if (n > 1) V <- V + w[i]^2 * d * (n-d) / (n-1) * (diag(m / n) - outer(m, m) / n^2) }
#   c(t(U[-k]) %*% solve(V[-k, -k]) %*% U[-k], U[1]) }
@pytest.mark.parametrize(
    ("weights", "lung_sex", "gbsg2_grade"),
    [
        ((0, 1), (3.45998416609115, 5.61180414745924), (7.32350272513667, -4.80780441498239)),
        ((1, 1), (7.66478297860105, 3.29738152308637), (9.03119257590195, -3.25119331116004)),
        ((0.5, 0.5), (8.76860430833622, 7.84195812678021), None),
    ],
)
def test_late_and_middle_weights_equal_r(
    lung: pd.DataFrame,
    gbsg2: pd.DataFrame,
    weights: tuple[float, float],
    lung_sex: tuple[float, float],
    gbsg2_grade: tuple[float, float] | None,
) -> None:
    rho, gamma = weights
    settings = {"rho": rho, "gamma": gamma}
    found = log_rank(
        lung["time_days"], lung["event"], lung["sex"], order=("male", "female"), **settings
    )
    first = found.groups.iloc[0]
    excess = first["weighted_events"] - first["weighted_expected"]
    assert (found.statistic, excess) == pytest.approx(lung_sex, rel=1e-11)
    male = lung["sex"] == "male"
    peer = logrank_test(
        *(lung.loc[rows, name] for name in ("time_days", "event") for rows in (male, ~male)),
        weightings="fleming-harrington", p=rho, q=gamma,
    )  # fmt: skip
    assert found.statistic == pytest.approx(peer.test_statistic, rel=1e-10)
    if gbsg2_grade:
        found = log_rank(gbsg2["time"], gbsg2["cens"], gbsg2["tgrade"], **settings)
        first = found.groups.iloc[0]
        excess = first["weighted_events"] - first["weighted_expected"]
        assert (found.statistic, excess) == pytest.approx(gbsg2_grade, rel=1e-11)


def test_trend_equals_r_and_has_a_sign(ecog: pd.DataFrame, gbsg2: pd.DataFrame) -> None:
    # d <- survdiff(Surv(time, status) ~ ph.ecog, L, rho = 0 or 1); w <- 0:3
    # sum(w * (d$obs - d$exp)) / sqrt(t(w) %*% d$var %*% w)
    for rho, z in ((0, 4.22789791297376), (1, 4.47863146763422)):
        found = log_rank_trend(ecog["time_days"], ecog["event"], ecog["ecog"], rho=rho)
        assert found.z == pytest.approx(z, rel=1e-12)
    assert found.p == pytest.approx(2 * scipy.stats.norm.sf(4.47863146763422), rel=1e-10)
    # The same of Surv(time, cens) ~ tgrade and ~ tgrade + strata(menostat), G
    times = gbsg2["time"], gbsg2["cens"], gbsg2["tgrade"]
    assert log_rank_trend(*times).z == pytest.approx(4.46775740313852, rel=1e-12)
    stratified = log_rank_trend(*times, strata=gbsg2["menostat"])
    assert stratified.z == pytest.approx(4.43563027774022, rel=1e-12)
    backwards = log_rank_trend(*times, order=("III", "II", "I"), scores=(10, 20, 30))
    assert backwards.z == pytest.approx(-4.46775740313852, rel=1e-12)
    assert backwards.groups["score"].tolist() == [10, 20, 30]


def test_pairs_equal_r_with_both_corrections(ecog: pd.DataFrame) -> None:
    # For each pair survdiff(Surv(time, status) ~ ph.ecog, L[L$ph.ecog %in% pair, ]), its
    # pchisq(d$chisq, 1, lower = FALSE), then p.adjust(p, "holm") and p.adjust(p, "BH")
    raw = [0.0629909490512577, 4.41907402243336e-05, 0.0162107154203626, 0.00368381485776989,
           0.0209213160413998, 0.265026315155159]  # fmt: skip
    holm = [0.125981898102515, 0.000265144441346002, 0.0648428616814505, 0.0184190742888494,
            0.0648428616814505, 0.265026315155159]  # fmt: skip
    bh = [0.0755891388615093, 0.000265144441346002, 0.0313819740620997, 0.0110514445733097,
          0.0313819740620997, 0.265026315155159]  # fmt: skip
    for correction, corrected in (("holm", holm), ("bh", bh)):
        table = pairwise_log_rank(
            ecog["time_days"], ecog["event"], ecog["ecog"], correction=correction
        )
        assert table["p"].tolist() == pytest.approx(raw, rel=1e-10)
        assert table["p_corrected"].tolist() == pytest.approx(corrected, rel=1e-10)
    assert table[["group_a", "group_b"]].to_numpy().tolist()[:3] == [
        ["0", "1"],
        ["0", "2"],
        ["0", "3"],
    ]
    assert table[["n_a", "n_b", "events_a", "events_b"]].to_numpy().tolist()[2] == [63, 1, 37, 1]
    assert list(table.columns).index("p_corrected") < list(table.columns).index("p")


def test_a_group_without_a_death_is_named_and_one_without_a_test_is_nan() -> None:
    times, events = [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 1, 0, 0, 0, 0, 0, 0]
    groups = ["a", "b", "a", "b", "c", "c", "c", "d", "d"]
    assert log_rank(times, events, groups).note == "nobody died in c, d"
    table = pairwise_log_rank(times, events, groups).set_index(["group_a", "group_b"])
    assert table.loc[("a", "c"), "note"] == "nobody died in c"
    assert table.loc[("c", "d"), ["note", "n_a", "n_b"]].tolist() == ["nobody died", 3, 2]
    assert table["p"].isna().tolist() == table["p_corrected"].isna().tolist()
    assert np.isnan(table.loc[("c", "d"), "p"])


def test_groups_that_never_meet_are_not_compared() -> None:
    found = log_rank([1, 2, 3, 4], [1, 1, 1, 1], list("aabb"), strata=list("xxyy"))
    assert (found.df, found.note) == (
        0,
        "the groups were never at risk together while somebody died",
    )
    assert np.isnan([found.statistic, found.p]).all()
    assert np.isnan(log_rank_trend([1, 2, 3, 4], [1, 1, 1, 1], list("aabb"), strata=list("xxyy")).z)
    # Two pairs, each in a stratum of its own: two comparisons out of four groups.
    rng = np.random.default_rng(0)
    times, stratum = rng.exponential(size=80), np.repeat(["x", "y"], 40)
    groups = np.where(stratum == "x", rng.choice(["a", "b"], 80), rng.choice(["c", "d"], 80))
    found = log_rank(times, np.ones(80), groups, strata=stratum)
    apart = [log_rank(times[stratum == s], np.ones(40), groups[stratum == s]) for s in "xy"]
    assert found.df == 2
    assert found.statistic == pytest.approx(sum(one.statistic for one in apart), rel=1e-9)


def test_chance_gives_uniform_p_under_every_weight_and_stratum() -> None:
    rng = np.random.default_rng(8)
    p: dict[str, list[float]] = {"late": [], "strata": [], "trend": []}
    for _ in range(300):
        times, events = rng.exponential(10, 90), rng.random(90) < 0.7
        groups, strata = rng.integers(0, 3, 90), rng.integers(0, 2, 90)
        p["late"].append(log_rank(times, events, groups, gamma=1).p)
        p["strata"].append(log_rank(times * (1 + strata), events, groups, rho=1, strata=strata).p)
        p["trend"].append(log_rank_trend(times, events, groups).p)
    for values in p.values():
        assert scipy.stats.kstest(values, "uniform").pvalue > 0.01


def test_a_late_difference_is_found_by_late_weights() -> None:
    rng = np.random.default_rng(3)
    early = rng.exponential(1, 400)
    group = np.repeat([0, 1], 200)
    times = np.where((group == 1) & (early > 1), 1 + (early - 1) / 4, early)
    by = {w: log_rank(times, np.ones(400), group, rho=w[0], gamma=w[1]) for w in ((1, 0), (0, 1))}
    assert by[0, 1].p < 1e-8 < by[1, 0].p
    assert by[0, 1].groups["ratio"].tolist()[0] < 1 < by[0, 1].groups["ratio"].tolist()[1]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"times": [1, 0, 2, 3]}, r"time_days, value 0: .* patient 2 of 4 is not greater than 0"),
        ({"times": [1, -5.5, 2, 3]}, "value -5.5"),
        ({"times": [1, None, 2, 3]}, "column time_days"),
        ({"events": [1, 2, 0, 0]}, "column event, value 2: .* neither 0 nor 1"),
        ({"events": [0, 0, 0, 0]}, "nobody died among 4 patients"),
        ({"times": [1], "events": [1], "groups": ["a"]}, "only 1 patient, 2 are needed"),
        ({"times": [1, 2]}, "2 times and 4 events"),
        ({"groups": list("aaaa")}, "value 'a': all patients are in one group"),
        ({"groups": ["a", None, "b", "b"]}, "patient 2 has no group"),
        ({"groups": ["a", "b"]}, "4 patients, 2 labels"),
        ({"order": ["a"]}, "value 'b': no such group"),
        ({"rho": -1}, "weights"),
        ({"strata": ["x", "x", "y", np.nan]}, "patient 4 has no stratum"),
    ],
)
def test_what_cannot_be_tested_is_an_error_of_one_line(
    change: dict[str, object], problem: str
) -> None:
    data = {"times": [1, 2, 3, 4], "events": [1, 0, 1, 1], "groups": list("aabb")}
    with pytest.raises(InputError, match=problem):
        log_rank(**{**data, **change})  # type: ignore[arg-type]


def test_wrong_choices_are_errors() -> None:
    data = [1, 2, 3, 4], [1, 0, 1, 1], list("aabb")
    with pytest.raises(InputError, match="value 'none': no such correction; choose among holm, bh"):
        pairwise_log_rank(*data, correction="none")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="3 scores for 2 groups"):
        log_rank_trend(*data, scores=(1, 2, 3))
