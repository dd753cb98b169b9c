"""Part of omics.py: activity of 500 gene sets in 129 patients against gseapy's ssGSEA and GSVA.

Both sides start from the same frame of 20,000 genes and end with a frame of sets by patients.
"""

from collections.abc import Callable

import gseapy
import numpy as np
import pandas as pd
from compare import Row, best_seconds

from histoniche.omics.activity import Method, activity_of_sets

GENES, PATIENTS, SETS = 20_000, 129, 500
ROUNDS = 5
TARGETS: dict[Method, float] = {"ssgsea": 30, "gsva": 10}
# gseapy's GSVA adds up its kernel otherwise and swaps a few genes that differ in their last bits.
TOLERANCE: dict[Method, float] = {"ssgsea": 1e-9, "gsva": 1e-5}

Sets = dict[str, list[str]]


def cohort() -> tuple[pd.DataFrame, Sets]:
    """Expression of weak and strong genes, and sets of 10 to 500 genes drawn at random."""
    rng = np.random.default_rng(0)
    means = rng.gamma(2, 2, (GENES, 1))
    values = np.maximum(means + rng.standard_normal((GENES, PATIENTS)), 0)
    # gseapy takes tied genes in another order than R and we do, so ties get a last digit.
    values += 1e-6 * rng.random(values.shape)
    genes = pd.Index([f"GENE{number}" for number in range(GENES)])
    sizes = np.exp(rng.uniform(np.log(10), np.log(500), SETS)).astype(int)
    sets = {
        f"SET{number}": list(rng.choice(genes, size, replace=False))
        for number, size in enumerate(sizes)
    }
    return pd.DataFrame(values, genes, [f"P{number}" for number in range(PATIENTS)]), sets


def gseapy_ssgsea(values: pd.DataFrame, sets: Sets) -> pd.DataFrame:
    """What gseapy's ssGSEA finds, one row a set and patient."""
    return gseapy.ssgsea(
        data=values,
        gene_sets=sets,
        outdir=None,
        sample_norm_method="rank",
        min_size=1,
        max_size=GENES,
        threads=1,
        no_plot=True,
    ).res2d.rename(columns={"NES": "activity"})


def gseapy_gsva(values: pd.DataFrame, sets: Sets) -> pd.DataFrame:
    """What gseapy's GSVA finds, one row a set and patient."""
    return gseapy.gsva(
        data=values, gene_sets=sets, outdir=None, min_size=1, max_size=GENES, threads=1
    ).res2d.rename(columns={"ES": "activity"})


PEERS: dict[Method, Callable[[pd.DataFrame, Sets], pd.DataFrame]] = {
    "ssgsea": gseapy_ssgsea,
    "gsva": gseapy_gsva,
}


def compare(method: Method, values: pd.DataFrame, sets: Sets) -> Row:
    """Both sides of one method, after a look whether they agree."""
    ours = activity_of_sets(values, sets, method=method)
    peer = PEERS[method](values, sets).pivot(index="Term", columns="Name", values="activity")
    peer = peer.loc[list(sets), list(values)].astype(float)
    apart = float(np.abs(ours.to_numpy() - peer.to_numpy()).max())
    if apart > TOLERANCE[method]:
        raise SystemExit(f"{method}: the answers are {apart:.1e} apart")
    best = best_seconds(
        {
            "ours": lambda: activity_of_sets(values, sets, method=method),
            "gseapy": lambda: PEERS[method](values, sets),
        },
        rounds=ROUNDS,
    )
    ours, theirs = best["ours"], best["gseapy"]
    note = f"gseapy {gseapy.__version__}; apart {apart:.0e}; wall {theirs.wall / ours.wall:.3g}"
    what = f"{method}, {SETS} sets x {PATIENTS} patients x {GENES:,} genes"
    return Row(what, ours.cpu, theirs.cpu, theirs.cpu / ours.cpu, TARGETS[method], note)


def compare_activity() -> list[Row]:
    """Both methods."""
    values, sets = cohort()
    return [compare(method, values, sets) for method in TARGETS]
