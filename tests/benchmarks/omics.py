"""Genome-wide statistics against the libraries' functions called one by one; one thread each.

Ratios are of the least CPU seconds of interleaved rounds; those of wall time stand in the notes.
A loop over everything would take minutes a round, so peers are timed on a random part and scaled.
"""

import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import lifelines
import numpy as np
import pandas as pd
import scipy
import scipy.stats
from compare import Best, Row, best_seconds, report
from numpy.typing import NDArray
from omics_activity import compare_activity
from threadpoolctl import threadpool_limits

from histoniche.cox_scan import cox_scan
from histoniche.omics.ranks import family_wise_p, rank_correlation

GENES, REGIONS, PATIENTS = 20_000, 7, 129
PAIRS, MODELS, PERMUTATIONS = 2_000, 100, 1_000
CORRELATION_TARGET, PERMUTATION_PASSES, COX_TARGET = 100, 10, 100
# scipy's and our sums are exact or differ in their last bits.
CORRELATION_TOLERANCE = 1e-12
# lifelines stops here; by default it does where the sixth digit still moves.
PRECISION = {"precision": 1e-18, "r_precision": 0.0}
COX_TOLERANCE = 1e-6

Floats = NDArray[np.float64]


class Cohort(NamedTuple):
    """Numbers as a cohort of TCGA has them."""

    genes: Floats
    """Counts, many of them tied, most of all at 0."""
    areas: Floats
    """Each absent, so tied, in one patient of ten."""
    time: Floats
    event: NDArray[np.bool_]


def cohort() -> Cohort:
    """Draw weak and strong genes, areas, and survival with censoring."""
    rng = np.random.default_rng(0)
    mean = np.exp(rng.normal(2, 2, (GENES, 1)))
    genes = rng.negative_binomial(2, 2 / (2 + mean), (GENES, PATIENTS)).astype(np.float64)
    # A gene that is the same in all has no correlation and no hazard.
    genes[np.ptp(genes, axis=1) == 0, 0] += 1
    areas = rng.gamma(2, 5, (REGIONS, PATIENTS)) * (rng.random((REGIONS, PATIENTS)) > 0.1)
    time = np.ceil(rng.exponential(400, PATIENTS))
    return Cohort(genes, areas, time, rng.random(PATIENTS) < 0.8)


def row(what: str, best: dict[str, Best], scale: float, target: float, note: str) -> Row:
    """Row of `ours` against `peer`, whose time is that of one part of `scale`."""
    ours, peer = best["ours"], best["peer"]
    wall = scale * peer.wall / ours.wall
    seconds = scale * peer.cpu
    return Row(what, ours.cpu, seconds, seconds / ours.cpu, target, f"{note}; wall {wall:.3g}")


def agree(name: str, ours: Floats, theirs: Floats, tolerance: float) -> float:
    """Largest difference; the program ends if it is beyond the tolerance."""
    apart = float(np.abs(ours - theirs).max())
    if not apart <= tolerance:
        raise SystemExit(f"{name}: the answers are {apart:.1e} apart")
    return apart


def compare_correlation(data: Cohort) -> Row:
    """Rho and p of all pairs of gene and region against scipy, pair by pair."""
    rng = np.random.default_rng(1)
    pairs = rng.choice(GENES * REGIONS, PAIRS, replace=False)
    chosen = np.column_stack(np.unravel_index(pairs, (GENES, REGIONS)))

    def loop() -> Floats:
        return np.array(
            [scipy.stats.spearmanr(data.genes[gene], data.areas[area]) for gene, area in chosen]
        )

    ours = np.stack(rank_correlation(data.genes, data.areas), axis=-1).reshape(-1, 2)[pairs]
    apart = agree("correlation", ours, loop(), CORRELATION_TOLERANCE)
    best = best_seconds({"ours": lambda: rank_correlation(data.genes, data.areas), "peer": loop})
    what = f"Spearman, {GENES:,} genes x {REGIONS} regions x {PATIENTS} patients, ties"
    scale = GENES * REGIONS / PAIRS
    note = f"scipy {scipy.__version__}, {PAIRS:,} pairs x {scale:g}; apart {apart:.0e}"
    return row(what, best, scale, CORRELATION_TARGET, note)


def compare_permutations(data: Cohort) -> Row:
    """Family-wise p of all pairs against as many passes without permutations as are allowed."""

    def permute() -> Floats:
        rng = np.random.default_rng(2)
        return family_wise_p(data.genes, data.areas, rng, permutations=PERMUTATIONS)

    best = best_seconds(
        {"ours": permute, "peer": lambda: rank_correlation(data.genes, data.areas)}, rounds=3
    )
    passes = best["ours"].cpu / best["peer"].cpu
    what = f"{PERMUTATIONS:,} permutations, family-wise, in {PERMUTATION_PASSES} plain passes"
    return row(what, best, PERMUTATION_PASSES, 1, f"takes {passes:.1f} plain passes")


def compare_cox(data: Cohort) -> Row:
    """Cox's z of all genes against lifelines, gene by gene."""
    rng = np.random.default_rng(3)
    chosen = np.sort(rng.choice(GENES, MODELS, replace=False))

    def loop() -> Floats:
        return np.array([lifelines_z(data.genes[gene], data.time, data.event) for gene in chosen])

    ours = cox_scan(data.genes, data.time, data.event).z[chosen]
    apart = agree("Cox", ours, loop(), COX_TOLERANCE)
    best = best_seconds(
        {"ours": lambda: cox_scan(data.genes, data.time, data.event), "peer": loop}, rounds=3
    )
    scale = GENES / MODELS
    note = f"lifelines {lifelines.__version__}, {MODELS} genes x {scale:g}; apart {apart:.0e}"
    return row(f"Cox's z of {GENES:,} genes", best, scale, COX_TARGET, note)


def lifelines_z(score: Floats, time: Floats, event: NDArray[np.bool_]) -> float:
    """Wald's z of one score."""
    table = pd.DataFrame({"score": scipy.stats.zscore(score, ddof=1), "time": time, "event": event})
    with warnings.catch_warnings():
        # It asks for more variance of genes that hardly vary.
        warnings.simplefilter("ignore")
        fitter = lifelines.CoxPHFitter().fit(table, "time", "event", fit_options=PRECISION)
    return float(fitter.params_["score"] / fitter.standard_errors_["score"])


def main() -> None:
    """Run all comparisons and write them where the first argument says."""
    with threadpool_limits(1):
        data = cohort()
        rows = [compare_correlation(data), compare_permutations(data), compare_cox(data)]
        report([*rows, *compare_activity()], Path(sys.argv[1]))


if __name__ == "__main__":
    main()
