"""ssGSEA and GSVA on arrays."""

from collections.abc import Callable
from pathlib import Path

import gseapy
import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.omics.activity_kernels import gene_set_variation, single_sample_enrichment
from histoniche.omics.gene_sets import read_gmt
from histoniche.omics.smoothed_ranks import smoothed_ranks

R = Path(__file__).with_name("gsva_r")
"""Counts with many ties, gene sets, what R's GSVA made of them, and the script that called it."""

CALLS: dict[str, Callable[..., np.ndarray]] = {
    "ssgsea": single_sample_enrichment,
    "ssgsea_unscaled": lambda counts, sets: single_sample_enrichment(counts, sets, scaled=False),
    "ssgsea_tau1": lambda counts, sets: single_sample_enrichment(counts, sets, tau=1),
    "gaussian": gene_set_variation,
    "gaussian_max": lambda counts, sets: gene_set_variation(counts, sets, max_diff=False),
    "gaussian_tau": lambda counts, sets: gene_set_variation(counts, sets, tau=0.25),
    "logs": lambda counts, sets: gene_set_variation(np.log2(counts + 1), sets),
    "poisson": lambda counts, sets: gene_set_variation(counts, sets, kernel="poisson"),
    "poisson_max": lambda counts, sets: gene_set_variation(
        counts, sets, kernel="poisson", max_diff=False
    ),
}


def cohort(genes: int, patients: int, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    sets = [rng.choice(genes, size, replace=False) for size in (1, 5, 20, genes // 3)]
    return rng.gamma(2, 2, (genes, 1)) + rng.normal(size=(genes, patients)), sets


@pytest.mark.parametrize("call", CALLS)
def test_numbers_equal_those_of_gsva_in_r_whatever_is_tied(call: str) -> None:
    counts = pd.read_csv(R / "counts.tsv", sep="\t", index_col="gene")
    sets = read_gmt(R / "sets.gmt")
    expected = pd.read_csv(R / "expected.tsv", sep="\t", comment="#", index_col=["call", "term"])
    members = [counts.index.get_indexer(sorted(genes)) for genes in sets.values()]
    found = CALLS[call](counts.to_numpy(dtype=float), members)
    np.testing.assert_allclose(found, expected.loc[call].loc[list(sets)], rtol=1e-9, atol=1e-11)


def test_gseapy_gives_the_same_without_ties() -> None:
    values, sets = cohort(300, 20)
    frame = pd.DataFrame(values, [f"G{i}" for i in range(300)], [f"P{j}" for j in range(20)])
    named = {f"S{k}": list(frame.index[rows]) for k, rows in enumerate(sets)}
    settings = {"data": frame, "gene_sets": named, "outdir": None, "min_size": 1, "threads": 1}
    peers = {
        "NES": gseapy.ssgsea(**settings, sample_norm_method="rank", no_plot=True).res2d,
        "ES": gseapy.gsva(**settings).res2d,
    }
    ours = {"NES": single_sample_enrichment(values, sets), "ES": gene_set_variation(values, sets)}
    for column, table in peers.items():
        peer = table.pivot(index="Term", columns="Name", values=column).loc[list(named)]
        np.testing.assert_allclose(ours[column], peer[list(frame)].astype(float), atol=1e-4)


def test_set_that_is_high_in_some_patients_is_found_by_both() -> None:
    values, sets = cohort(400, 30, seed=1)
    values[sets[2], :10] += 2
    for activity in (single_sample_enrichment(values, sets), gene_set_variation(values, sets)):
        assert activity[2, :10].min() > activity[2, 10:].max()


def test_random_sets_differ_between_random_halves_no_more_often_than_chance() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(1000, 40))
    sets = [rng.choice(1000, 20, replace=False) for _ in range(300)]
    for activity in (single_sample_enrichment(values, sets), gene_set_variation(values, sets)):
        p = scipy.stats.mannwhitneyu(activity[:, :20], activity[:, 20:], axis=1).pvalue
        assert scipy.stats.kstest(p, "uniform").pvalue > 0.01
        assert 0.02 < (p < 0.05).mean() < 0.09


def test_extremes_of_the_scale() -> None:
    values = np.arange(1.0, 11)[:, np.newaxis] * np.array([1, -1])
    top, bottom = single_sample_enrichment(values, [np.array([9])], scaled=False)[0]
    # One gene above nine others: everything before them; below all of them: the reverse.
    assert (top, bottom) == pytest.approx((10 - 45 / 9, 1 - 54 / 9))
    assert np.ptp(single_sample_enrichment(values, [np.array([9])])) == pytest.approx(1)


def test_order_of_genes_in_a_set_and_scale_of_the_values_do_not_matter() -> None:
    values, sets = cohort(200, 15)
    for score in (single_sample_enrichment, gene_set_variation):
        once = score(values, sets)
        again = score(values * 8, [rows[::-1] for rows in sets])
        assert np.array_equal(once, again)


def test_constant_activities_are_not_divided_by_their_range_of_zero() -> None:
    values = np.tile(np.arange(5.0)[:, np.newaxis], 3)
    assert np.isfinite(single_sample_enrichment(values, [np.array([0, 1])])).all()


def test_smoothed_ranks_equal_the_kernel_estimate() -> None:
    values, _ = cohort(30, 25)
    distances = values[:, :, np.newaxis] - values[:, np.newaxis]
    width = values.std(axis=1, ddof=1)[:, np.newaxis, np.newaxis] / 4
    expected = scipy.stats.norm.cdf(distances / width).sum(axis=2)
    found = smoothed_ranks(values, kernel="gaussian")
    # R's table of steps of 0.001 bandwidths.
    np.testing.assert_allclose(found, expected, atol=25 * 4e-4)
    counts = np.random.default_rng(0).poisson(np.exp(values / 2))
    expected = scipy.stats.poisson.cdf(counts[:, :, np.newaxis], counts[:, np.newaxis] + 0.5)
    found = smoothed_ranks(counts.astype(float), kernel="poisson")
    np.testing.assert_allclose(found, expected.sum(axis=2), rtol=1e-12)


def test_result_does_not_depend_on_the_size_of_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values, _ = cohort(50, 12)
    counts = np.rint(np.abs(values) * 3)
    whole = smoothed_ranks(values, kernel="gaussian"), smoothed_ranks(counts, kernel="poisson")
    monkeypatch.setattr("histoniche.omics.smoothed_ranks._BLOCK", 12 * 7)
    parts = smoothed_ranks(values, kernel="gaussian"), smoothed_ranks(counts, kernel="poisson")
    assert all(np.array_equal(*pair) for pair in zip(whole, parts, strict=True))


@pytest.mark.parametrize("score", [single_sample_enrichment, gene_set_variation])
def test_arrays_that_do_not_fit_are_refused(score: Callable[..., np.ndarray]) -> None:
    values, sets = cohort(20, 5)
    broken = values.copy()
    broken[3, 2] = np.nan
    for wrong, members, words in (
        (broken, sets[:2], "finite"),
        (values, [], "sets"),
        (values, [np.array([], dtype=int)], "at least one"),
        (values, [np.arange(20)], "not of all"),
        (values, [np.array([0, 20])], "outside"),
        (values, [np.array([1, 1])], "twice"),
    ):
        with pytest.raises(ValueError, match=words):
            score(wrong, members)


def test_kernels_refuse_what_they_cannot_smooth() -> None:
    values, _ = cohort(40, 6)
    constant = np.vstack([values, np.ones(6)])
    with pytest.raises(ValueError, match="constant"):
        smoothed_ranks(constant, kernel="gaussian")
    with pytest.raises(ValueError, match="counts"):
        smoothed_ranks(-np.abs(values), kernel="poisson")
    with pytest.raises(ValueError, match="there are gaussian, poisson"):
        smoothed_ranks(values, kernel="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="two patients"):
        smoothed_ranks(values[:, :1], kernel="gaussian")
