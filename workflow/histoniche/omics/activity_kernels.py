"""Activity of gene sets in single patients: ssGSEA and GSVA, on arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from histoniche.omics.smoothed_ranks import Kernel, smoothed_ranks

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


class _Members(NamedTuple):
    """Gene sets one behind the other."""

    rows: Numbers
    """Rows of all members, set after set."""
    owner: Numbers
    """Set of each member."""
    starts: Numbers
    """Where each set begins."""
    sizes: Numbers


def single_sample_enrichment(
    values: Floats, members: Sequence[Numbers], *, tau: float = 0.25, scaled: bool = True
) -> Floats:
    """ssGSEA: how high a patient's genes of a set stand among all genes of that patient.

    Genes are ranked within the patient, 1 the lowest, and walked from the
    highest down. The activity is the sum, over all places of the walk, of the
    share of the set's genes met so far, each weighted by its rank to the power
    of `tau`, minus the share of the other genes met so far. To the digit it is
    that of R's GSVA 1.46, `gsva(..., method="ssgsea", tau=0.25)`: of tied
    genes the weight is the average rank cut to a whole number, and they are
    walked in the order of their rows.

    Parameters
    ----------
    values
        (genes, patients), finite.
    members
        For each set the rows of its genes, each once; at least one and not all.
    tau
        Weight of the ranks; 0 weights all genes of a set alike.
    scaled
        Whether all activities are divided by their range over all sets and
        patients (`ssgsea.norm=TRUE` in R), so that they span exactly 1.

    Returns
    -------
    (sets, patients); 0: the genes lie spread like all others; above 0: higher.
    Without scaling within plus and minus half the number of genes, with scaling
    comparable only within the same call.

    Raises
    ------
    ValueError
        If values or sets do not fit.

    References
    ----------
    Barbie et al. 2009, Nature 462:108, 10.1038/nature08460.
    """
    sets = _check(values, members)
    count = len(values)
    powers = np.arange(count + 1, dtype=np.float64) ** tau
    activity = np.empty((len(members), values.shape[1]))
    for patient, column in enumerate(np.ascontiguousarray(values.T)):
        order, rank = _descending(column)
        steps, weights = np.empty(count), np.empty(count)
        steps[order] = np.arange(count, 0, -1)
        weights[order] = powers[rank]
        steps, weights = steps[sets.rows], weights[sets.rows]
        met = np.add.reduceat(steps * weights, sets.starts) / np.add.reduceat(weights, sets.starts)
        others = count * (count + 1) / 2 - np.add.reduceat(steps, sets.starts)
        activity[:, patient] = met - others / (count - sets.sizes)
    span = np.ptp(activity)
    return activity / span if scaled and span > 0 else activity


def gene_set_variation(
    values: Floats,
    members: Sequence[Numbers],
    *,
    kernel: Kernel = "gaussian",
    tau: float = 1.0,
    max_diff: bool = True,
) -> Floats:
    """GSVA: how far a patient's genes of a set stand above where they stand in other patients.

    Each gene's values are first turned into smoothed ranks over the patients.
    In each patient the genes are then walked from the highest smoothed rank
    down; genes of the set step up, in proportion to their distance from the
    middle of the walk to the power of `tau`, the others step down alike. As in
    R's GSVA 1.46, `gsva(..., method="gsva")`, tied genes are walked in the order
    of their rows.

    Parameters
    ----------
    values
        (genes, patients), finite, no gene constant.
    members
        For each set the rows of its genes, each once; at least one and not all.
    kernel
        `gaussian` for logarithms (`kcdf="Gaussian"`), `poisson` for counts.
    tau
        Weight of the tails.
    max_diff
        True: the largest rise of the walk above 0 plus its deepest fall below;
        activities are then near to normal, and 0 where the genes lie at both
        ends. False: whichever of the two is larger (`mx.diff` in R).

    Returns
    -------
    (sets, patients), from -1 to 1; above 0: higher than in other patients.

    Raises
    ------
    ValueError
        If values or sets do not fit, or a gene is constant.

    References
    ----------
    Haenzelmann, Castelo and Guinney 2013, BMC Bioinformatics 14:7, 10.1186/1471-2105-14-7.
    """
    sets = _check(values, members)
    count, patients = values.shape
    ranks = np.ascontiguousarray(smoothed_ranks(values, kernel=kernel).T)
    walks = _Walks(sets, count, tau)
    activity = np.empty((len(members), patients))
    for patient in range(patients):
        order, _ = _descending(ranks[patient])
        up, down = walks.extremes(order)
        activity[:, patient] = up + down if max_diff else np.where(up > -down, up, down)
    return activity


class _Walks:
    """The walks of all sets through the genes, and what they share from patient to patient."""

    def __init__(self, sets: _Members, count: int, tau: float) -> None:
        self.sets = sets
        self.weights = np.abs(count / 2 - np.arange(count)) ** tau
        # A set of the middle gene alone would weigh nothing.
        self.weights[self.weights == 0] = 1e-300
        small = len(sets.starts) * count <= np.iinfo(np.int32).max
        # Shorter numbers are sorted in half the time.
        kind = np.dtype(np.int32 if small else np.int64)
        self.places = np.arange(count).astype(kind)
        self.first = (sets.owner * count).astype(kind)
        fall = 1 / (count - sets.sizes)
        climbed = 1 + sets.sizes * fall
        self.fall = fall[sets.owner]
        self.start = (np.cumsum(climbed) - climbed + fall)[sets.owner]

    def extremes(self, order: Numbers) -> tuple[Floats, Floats]:
        """Highest point, at or above 0, and lowest, at or below, of each walk.

        `order` holds the genes' rows from first to last. All walks follow each
        other: one that fell at every gene would have fallen by `fall` times its
        place, so each gene of the set rises by its share and by that one fall.
        """
        starts = self.sets.starts
        place = np.empty_like(self.places)
        place[order] = self.places
        keys = place.take(self.sets.rows)
        keys += self.first
        keys.sort()
        keys -= self.first
        found = keys.astype(np.int64)
        rise = self.weights.take(found)
        rise *= np.repeat(1 / np.add.reduceat(rise, starts), self.sets.sizes)
        walk = rise + self.fall
        np.cumsum(walk, out=walk)
        walk -= self.start
        walk -= found * self.fall
        # A walk turns downwards only after a gene of the set, upwards only before one.
        up = np.maximum.reduceat(walk, starts)
        walk -= rise
        down = np.minimum.reduceat(walk, starts)
        return np.maximum(up, 0), np.minimum(down, 0)


def _descending(column: Floats) -> tuple[Numbers, Numbers]:
    """Rows from the highest value down, ties in the order of rows, and their ranks from below.

    Tied genes have their average rank, cut to a whole number.
    """
    count = len(column)
    order = np.argsort(-column)
    ordered = column[order]
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    if starts.all():
        return order, np.arange(count, 0, -1)
    # A stable sort costs five times as much, so only what is tied is put in order.
    run = np.cumsum(starts) - 1
    order = np.sort(run * count + order) % count
    first = np.flatnonzero(starts)
    sizes = np.diff(first, append=count)
    return order, np.repeat((2 * (count - first) - (sizes - 1)) // 2, sizes)


def _check(values: Floats, members: Sequence[Numbers]) -> _Members:
    """Put the sets one behind the other, if they fit the values."""
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError("values must be finite, genes by patients")
    sizes = np.array([len(rows) for rows in members], dtype=np.int64)
    if not len(sizes) or sizes.min() < 1 or sizes.max() >= len(values):
        raise ValueError("there must be sets, each of at least one gene and not of all")
    rows = np.concatenate(members).astype(np.int64)
    if rows.min() < 0 or rows.max() >= len(values):
        raise ValueError(f"sets name rows outside the {len(values)} genes")
    owner = np.repeat(np.arange(len(sizes)), sizes)
    # In one order, so that sums do not depend on the order in which genes are named.
    keys = np.sort(owner * len(values) + rows)
    if (keys[1:] == keys[:-1]).any():
        raise ValueError("a gene stands twice in a set")
    return _Members(keys % len(values), owner, np.cumsum(sizes) - sizes, sizes)
