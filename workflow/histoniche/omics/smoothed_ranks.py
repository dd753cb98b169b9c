"""Smoothed ranks of each gene's values over the patients, for gene set variation analysis."""

from typing import Literal, get_args

import numpy as np
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Kernel = Literal["gaussian", "poisson"]
KERNELS: tuple[Kernel, ...] = get_args(Kernel)

CONSTANT = 1e-10
"""A gene whose standard deviation is smaller counts as constant, as in R's GSVA."""

# The normal distribution function at every 0.001 up to 10, as R's GSVA tabulates it; what lies
# between two steps takes the lower, of the absolute value. The table counts as the exact
# function would not: among 20,000 genes the latter's activities are up to 3e-4 off R's.
_STEPS = 1000
_UPPER = scipy.special.ndtr(np.arange(10 * _STEPS + 1) / _STEPS)
_TABLE = np.concatenate([1 - _UPPER[::-1], _UPPER])
# Distances are whole numbers with so many bits behind the table's steps.
_BITS = 34
# A Poisson distribution function is 0 or 1 to a double's precision beyond so many deviations.
_REACH = 12.0
_BLOCK = 1 << 15
"""Numbers of a block that is worked on at once: 256 KiB, what a processor keeps close."""


def smoothed_ranks(values: Floats, *, kernel: Kernel) -> Floats:
    """Number of patients whose value lies below each patient's, smoothed by a kernel.

    The kernel estimate of a gene's distribution function at the patients' own
    values, times the number of patients (Haenzelmann et al. 2013).

    Parameters
    ----------
    values
        (genes, patients), finite. For `poisson` counts, not negative.
    kernel
        `gaussian`: bandwidth a quarter of the gene's standard deviation, the
        distances cut to steps of 0.001 bandwidths as in R's GSVA; `poisson`:
        each patient's distribution has the mean of its count plus one half.

    Returns
    -------
    (genes, patients), between 0 and the number of patients.

    Raises
    ------
    ValueError
        If a value is not finite, there are fewer than two patients, a gene is
        constant (Gaussian) or negative (Poisson), or the kernel is unknown.

    References
    ----------
    Haenzelmann, Castelo and Guinney 2013, BMC Bioinformatics 14:7, 10.1186/1471-2105-14-7.
    """
    if values.ndim != 2 or values.shape[1] < 2 or not np.isfinite(values).all():
        raise ValueError("values must be finite, genes by two patients or more")
    if kernel not in KERNELS:
        raise ValueError(f"no kernel {kernel!r}; there are {', '.join(KERNELS)}")
    ranks = np.empty(values.shape[::-1])
    ranks_of = _gaussian if kernel == "gaussian" else _poisson
    size = max(1, _BLOCK // values.shape[1])
    for start in range(0, len(values), size):
        ranks[:, start : start + size] = ranks_of(values[start : start + size])
    return ranks.T


def _gaussian(values: Floats) -> Floats:
    """Smoothed ranks of a block of genes, (patients, genes); each pair is looked up once."""
    deviation = values.std(axis=1, ddof=1)
    if not (deviation > CONSTANT).all():
        raise ValueError("a constant gene has no Gaussian kernel")
    centred = (values - values.mean(axis=1, keepdims=True)).T
    placed = np.rint(centred * ((4 * _STEPS << _BITS) / deviation)).astype(np.int64, order="C")
    lower = placed - (len(_UPPER) << _BITS)
    ranks = np.zeros(placed.shape)
    steps, shares = np.empty_like(placed), np.empty(placed.shape)
    for patient, here in enumerate(ranks):
        others = slice(1, len(placed) - patient)
        step, share, above = steps[others], shares[others], ranks[patient + 1 :]
        np.subtract(placed[patient + 1 :], lower[patient], out=step)
        np.right_shift(step, _BITS, out=step)
        _TABLE.take(step, out=share, mode="clip")
        np.add(above, share, out=above)
        # A patient lies half below itself. Row after row, in the order in which R adds up, so
        # that genes which differ in their last bits alone stand in R's order too.
        np.add(here, 0.5, out=shares[0])
        np.subtract(1, share, out=share)
        np.add.reduce(shares[: others.stop], axis=0, out=here)
    return ranks


def _poisson(counts: Floats) -> Floats:
    """Smoothed ranks of a block of genes, (patients, genes); most pairs are plainly 0 or 1."""
    if (counts < 0).any():
        raise ValueError("a Poisson kernel needs counts, not negative values")
    counts = np.ascontiguousarray(counts.T)
    ranks = np.zeros(counts.shape)
    for patient in counts:
        mean = patient + 0.5
        reach = _REACH * (np.sqrt(np.maximum(counts, mean)) + _REACH)
        below = (counts > mean).astype(np.float64)
        near = np.abs(counts - mean) < reach
        means = np.broadcast_to(mean, counts.shape)[near]
        below[near] = scipy.special.pdtr(np.floor(counts[near]), means)
        ranks += below
    return ranks
