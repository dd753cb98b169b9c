"""Genome-wide survival scans against the libraries' functions called gene by gene; one thread each.

Ratios are of the least CPU seconds of interleaved rounds; those of wall time stand in the notes.
A loop over everything would take minutes a round, so peers are timed on a random part and scaled.
"""

import sys
from pathlib import Path

import lifelines
import numpy as np
import statsmodels
from compare import Row, best_seconds, report
from lifelines.statistics import logrank_test
from lifelines.utils import concordance_index
from numpy.typing import NDArray
from statsmodels.duration.survfunc import survdiff
from threadpoolctl import threadpool_limits

from histoniche.cox_scan import cox_scan
from histoniche.learning.concordance import agreement, resampled_agreement
from histoniche.logrank_scan import logrank_scan
from omics import COX_TOLERANCE, GENES, PATIENTS, Cohort, agree, cohort, lifelines_z, row

LIFELINES_TESTS, STATSMODELS_TESTS, MODELS = 200, 2_000, 100
LIFELINES_TARGET, STATSMODELS_TARGET, COX_TARGET = 2_000, 40, 500
FOLLOWED, SAMPLES, PEER_SAMPLES = 1_000, 1_000, 200
INTERVAL_TARGET = 20
TOLERANCE, LIMIT_TOLERANCE = 1e-10, 0.01

Floats = NDArray[np.float64]


def high(gene: Floats) -> NDArray[np.bool_]:
    """Patients above the median, as every side divides them."""
    return gene > np.median(gene)


def lifelines_chi2(gene: Floats, data: Cohort) -> float:
    """Log-rank statistic of one gene."""
    above = high(gene)
    parts = (values[side] for values in (data.time, data.event) for side in (above, ~above))
    return float(logrank_test(*parts).test_statistic)


def statsmodels_chi2(gene: Floats, data: Cohort) -> float:
    """Log-rank statistic of one gene."""
    return float(survdiff(data.time, data.event.astype(int), high(gene))[0])


def compare_log_rank(data: Cohort) -> list[Row]:
    """Log-rank statistics of all genes, cut at their medians, against both libraries."""
    rng = np.random.default_rng(4)
    chi2 = logrank_scan(data.genes, data.time, data.event).chi2
    testable = np.flatnonzero(np.isfinite(chi2))
    sizes = {lifelines_chi2: LIFELINES_TESTS, statsmodels_chi2: STATSMODELS_TESTS}
    chosen = {test: rng.choice(testable, size, replace=False) for test, size in sizes.items()}
    loops = {
        test: lambda test=test: np.array([test(data.genes[k], data) for k in chosen[test]])
        for test in sizes
    }
    best = best_seconds(
        {
            "ours": lambda: logrank_scan(data.genes, data.time, data.event),
            **{test.__name__: loop for test, loop in loops.items()},
        }
    )
    rows = []
    for test, name, target in (
        (lifelines_chi2, f"lifelines {lifelines.__version__}", LIFELINES_TARGET),
        (statsmodels_chi2, f"statsmodels {statsmodels.__version__}", STATSMODELS_TARGET),
    ):
        apart = agree("log-rank", chi2[chosen[test]], loops[test](), TOLERANCE)
        scale = GENES / sizes[test]
        what = f"log-rank at the median, {GENES:,} genes x {PATIENTS} patients"
        note = f"{name}, {sizes[test]:,} genes x {scale:g}; apart {apart:.0e}"
        sides = {"ours": best["ours"], "peer": best[test.__name__]}
        rows.append(row(what, sides, scale, target, note))
    return rows


def compare_cox(data: Cohort) -> Row:
    """Cox's z of all genes against lifelines."""
    scan = cox_scan(data.genes, data.time, data.event)
    fitted = np.flatnonzero(scan.note == "")
    chosen = np.sort(np.random.default_rng(5).choice(fitted, MODELS, replace=False))

    def loop() -> Floats:
        return np.array([lifelines_z(data.genes[k], data.time, data.event) for k in chosen])

    apart = agree("Cox", scan.z[chosen], loop(), COX_TOLERANCE)
    best = best_seconds(
        {"ours": lambda: cox_scan(data.genes, data.time, data.event), "peer": loop}, rounds=3
    )
    scale = GENES / MODELS
    flagged = GENES - len(fitted)
    note = f"lifelines {lifelines.__version__}, {MODELS} genes x {scale:g}; apart {apart:.0e}"
    note += f"; {flagged} of all genes flagged as without a finite estimate"
    return row(f"Cox's z, {GENES:,} genes x {PATIENTS} patients", best, scale, COX_TARGET, note)


def compare_interval(data: Cohort) -> Row:
    """Harrell's C of resampled patients against lifelines' of one sample after the other."""
    rng = np.random.default_rng(6)
    places = rng.integers(0, len(data.time), FOLLOWED)
    # Patients drawn more than once are apart by their risks and times.
    risk, time = rng.normal(size=FOLLOWED), data.time[places] + rng.random(FOLLOWED)
    event = data.event[places].astype(bool)
    drawn = rng.integers(0, FOLLOWED, (PEER_SAMPLES, FOLLOWED))

    def loop() -> Floats:
        return np.array([concordance_index(time[k], -risk[k], event[k]) for k in drawn])

    def ours() -> tuple[float, float]:
        return resampled_agreement(risk, time, event, samples=SAMPLES, confidence=0.95, seed=0)

    theirs = concordance_index(time, -risk, event)
    apart = agree("C-index", np.array(agreement(risk, time, event)), np.array(theirs), TOLERANCE)
    # Samples are drawn otherwise, so that limits agree as far as their number allows.
    agree("limits", np.array(ours()), np.quantile(loop(), [0.025, 0.975]), LIMIT_TOLERANCE)
    scale = SAMPLES / PEER_SAMPLES
    note = f"lifelines {lifelines.__version__}, {PEER_SAMPLES} samples x {scale:g}; "
    note += f"C-index apart {apart:.0e}"
    what = f"C-index's interval, {FOLLOWED:,} patients, {SAMPLES:,} samples"
    best = best_seconds({"ours": ours, "peer": loop}, rounds=3)
    return row(what, best, scale, INTERVAL_TARGET, note)


def main() -> None:
    """Run all comparisons and write them where the first argument says."""
    with threadpool_limits(1):
        data = cohort()
        rows = [*compare_log_rank(data), compare_cox(data), compare_interval(data)]
        report(rows, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
