"""Rank correlation of many rows with a few: plain, given covariates, and against permutations."""

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Rows of genes that are ranked or held against all permutations at once: some megabytes, near the
# cores. Ranks of 60,000 genes in 10,000 patients would take several times the room of the genes.
_BLOCK = 256
# A correlation in single precision may be off by less than this.
_ROUNDING = 4e-6


def rank_correlation(genes: Floats, areas: Floats) -> tuple[Floats, Floats]:
    """Spearman's correlation of every gene with every area, over the same patients.

    Parameters
    ----------
    genes
        (genes, patients), finite.
    areas
        (areas, patients), finite.

    Returns
    -------
    rho and its two-sided p, each (genes, areas). Ties share their average
    rank; p is that of the t distribution with n - 2 degrees of freedom, as in
    `scipy.stats.spearmanr`. NaN where a row is constant.

    Raises
    ------
    ValueError
        If the patients differ in number, are fewer than three, or a value is not finite.
    """
    _check(genes, areas, fewest=3)
    right = centred_ranks(areas)
    rho = np.empty((len(genes), len(areas)))
    for block in _blocks(len(genes)):
        left = centred_ranks(genes[block])
        squares = np.outer((left * left).sum(axis=1), (right * right).sum(axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            rho[block] = left @ right.T / np.sqrt(squares)
    return rho, two_sided_p(rho, genes.shape[1] - 2)


def partial_rank_correlation(
    genes: Floats, areas: Floats, covariates: Floats
) -> tuple[Floats, Floats]:
    """Spearman's correlation of every gene with every area at equal covariates.

    The ranks of genes and areas are each brought to what the covariates do not
    explain, by least squares, and correlated. A gene that goes along with an area
    only because both go along with age is near 0 here.

    Parameters
    ----------
    genes, areas
        As for `rank_correlation`.
    covariates
        (covariates, patients), as `covariate_ranks` makes them.

    Returns
    -------
    rho and its two-sided p, each (genes, areas), from the t distribution with
    n - 2 - k degrees of freedom for k covariates that are independent of each
    other; as R's `ppcor::pcor.test(method = "spearman")`. NaN where a row is
    constant, or the covariates explain all of it.

    Raises
    ------
    ValueError
        As `rank_correlation`; or if no degree of freedom is left.
    """
    basis = _basis(covariates)
    _check(genes, areas, fewest=3 + basis.shape[1])
    right = _unexplained(centred_ranks(areas), basis)
    rho = np.empty((len(genes), len(areas)))
    for block in _blocks(len(genes)):
        left = _unexplained(centred_ranks(genes[block]), basis)
        rho[block] = np.clip(left @ right.T, -1, 1)
    return rho, two_sided_p(rho, genes.shape[1] - 2 - basis.shape[1])


def covariate_ranks(numbers: Floats, indicators: Floats) -> Floats:
    """Covariates as rows: ranks of numbers, and indicators of categories as they are.

    Parameters
    ----------
    numbers
        (numeric covariates, patients).
    indicators
        (categories but each one's reference, patients), 0 or 1.
    """
    return np.vstack([centred_ranks(numbers), indicators - indicators.mean(axis=1, keepdims=True)])


def family_wise_p(
    genes: Floats,
    areas: Floats,
    rng: np.random.Generator,
    *,
    permutations: int,
    covariates: Floats | None = None,
) -> Floats:
    """Family-wise p of every gene's rank correlation with each area, by permuting the patients.

    Only in one of twenty studies is it below 0.05 for any gene of an area that
    has nothing to do with the area, however the genes go along with each other and
    however their values lie: the largest correlation that chance gives is measured,
    not calculated (Westfall and Young's step-down maxT).

    Parameters
    ----------
    genes, areas
        As for `rank_correlation`; the genes are an area's family.
    rng
        Draws the permutations.
    permutations
        Their number, B; no p is below 1 / (B + 1).
    covariates
        As for `partial_rank_correlation`; then what the covariates leave of an
        area is permuted (Kennedy).

    Returns
    -------
    (genes, areas), from 1 / (B + 1) to 1; NaN where a gene or an area is constant.

    References
    ----------
    Westfall and Young 1993, Resampling-based multiple testing, algorithm 4.1;
    Kennedy 1995, J Bus Econ Stat 13:85-94.
    """
    basis = _basis(np.empty((0, areas.shape[1])) if covariates is None else covariates)
    _check(genes, areas, fewest=3 + basis.shape[1])
    right = _unexplained(centred_ranks(areas), basis)
    # In single precision, as they are held against the permutations, half the room.
    left = np.empty(genes.shape, dtype=np.float32)
    rho = np.empty((len(genes), len(areas)))
    for block in _blocks(len(genes)):
        exact = _unexplained(centred_ranks(genes[block]), basis)
        left[block], rho[block] = exact, exact @ right.T
    p = np.full((len(genes), len(areas)), np.nan)
    for column, area in enumerate(right):
        if np.isfinite(area).all():
            shuffled = rng.permuted(np.tile(area, (permutations, 1)), axis=1)
            p[:, column] = _step_down(left, rho[:, column], _unexplained(shuffled, basis))
    return p


def _blocks(count: int) -> list[slice]:
    """Rows, some at a time."""
    return [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]


def _step_down(genes: NDArray[np.float32], rho: Floats, chance: Floats) -> Floats:
    """Step-down maxT p of correlations `rho`, given permuted areas, one a row of `chance`."""
    observed = np.abs(rho)
    # The weakest first: a gene is held against itself and those that are weaker.
    order = np.argsort(observed, kind="stable")[: np.count_nonzero(np.isfinite(observed))]
    limits = (observed[order] - _ROUNDING).astype(np.float32)[:, np.newaxis]
    permuted = np.ascontiguousarray(chance.T, dtype=np.float32)
    largest = np.zeros(len(chance), dtype=np.float32)
    reached = np.empty(len(order), dtype=np.int64)
    for block in _blocks(len(order)):
        found = np.abs(genes[order[block]] @ permuted)
        np.maximum(found[0], largest, out=found[0])
        np.maximum.accumulate(found, axis=0, out=found)
        largest = found[-1]
        reached[block] = np.count_nonzero(found >= limits[block], axis=1)
    p = np.full(len(rho), np.nan)
    p[order[::-1]] = np.maximum.accumulate((1 + reached[::-1]) / (1 + len(chance)))
    return p


def centred_ranks(values: Floats) -> Floats:
    """Twice the ranks of each row, centred.

    Doubled, average ranks are whole numbers, so that sums of their products
    are exact and a perfect correlation is 1, not nearly 1.
    """
    ranks = 2 * scipy.stats.rankdata(values, axis=1)
    return np.asarray(ranks - (values.shape[1] + 1), dtype=np.float64)


def two_sided_p(rho: Floats, freedom: int) -> Floats:
    """Two-sided p of correlations from the t distribution."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = rho * np.sqrt(freedom / ((1 + rho) * (1 - rho)))
    return np.asarray(2 * scipy.special.stdtr(freedom, -np.abs(t)))


def _basis(covariates: Floats) -> Floats:
    """Orthonormal columns, (patients, k), that span the centred covariates."""
    if not len(covariates):
        return np.empty((covariates.shape[1], 0))
    centred = covariates - covariates.mean(axis=1, keepdims=True)
    columns, sizes, _ = np.linalg.svd(centred.T, full_matrices=False)
    return np.asarray(columns[:, sizes > 1e-9 * max(sizes[0], 1)])


def _unexplained(rows: Floats, basis: Floats) -> Floats:
    """What a basis leaves of centred rows, each of length 1; NaN if nothing is left."""
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    left = rows - (rows @ basis) @ basis.T
    length = np.linalg.norm(left, axis=1, keepdims=True)
    return np.where(length > 1e-9 * size, left / np.where(length > 0, length, 1), np.nan)


def _check(genes: Floats, areas: Floats, *, fewest: int) -> None:
    """Check that rows are over the same patients, enough of them, all finite."""
    if genes.ndim != 2 or areas.ndim != 2 or genes.shape[1] != areas.shape[1]:
        raise ValueError(f"patients do not match: {genes.shape} and {areas.shape}")
    if genes.shape[1] < fewest:
        words = {3: "three"}.get(fewest, str(fewest))
        raise ValueError(f"a correlation needs {words} patients or more")
    if not (np.isfinite(genes).all() and np.isfinite(areas).all()):
        raise ValueError("values must be finite")
