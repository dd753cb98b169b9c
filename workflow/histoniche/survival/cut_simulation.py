"""How often a searched cut-point looks significant where there is nothing to find."""

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from histoniche.randomness import generator
from histoniche.survival.maximal_log_rank import maximal_log_rank

WAYS = ("p_permutation", "p_lausen_schumacher", "p_improved_bonferroni", "p_uncorrected")


def searches_of_nothing(
    *,
    studies: int,
    seed: int,
    patients: int = 129,
    censored: float = 0.2,
    min_share: float = 0.1,
    permutations: int = 199,
) -> pd.DataFrame:
    """Search for cut-points in studies whose score has nothing to do with survival.

    Parameters
    ----------
    studies
        Number of studies.
    seed
        Of scores, times and permutations.
    patients, censored
        Size of a study, and share of the patients who are last seen alive.
    min_share, permutations
        See `histoniche.survival.maximal_log_rank.maximal_log_rank`.

    Returns
    -------
    One row a study: its p in every way, each of which would be uniform if it were right.
    """
    rows = []
    for study in range(studies):
        rng = generator(seed, "searches_of_nothing", study)
        found = maximal_log_rank(
            rng.normal(size=patients),
            rng.exponential(400, patients),
            rng.random(patients) >= censored,
            min_share=min_share,
            permutations=permutations,
            rng=rng,
        )
        rows.append([getattr(found, way) for way in WAYS])
    return pd.DataFrame(np.array(rows), columns=list(WAYS))


def rates_of_nothing(
    searches: pd.DataFrame, *, levels: tuple[float, ...] = (0.01, 0.05, 0.1)
) -> pd.DataFrame:
    """How often each way of computing p calls nothing something.

    Parameters
    ----------
    searches
        What `searches_of_nothing` gives.
    levels
        At which p counts as significant.

    Returns
    -------
    way, level, studies, found, rate, low, high (95 % by Wilson).
    """
    rows = []
    for way in searches.columns:
        for level in levels:
            hits, n = int((searches[way] <= level).sum()), len(searches)
            low, high = proportion_confint(hits, n, method="wilson")
            rows.append((way, level, n, hits, hits / n, float(low), float(high)))
    columns = ["way", "level", "studies", "found", "rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns)
