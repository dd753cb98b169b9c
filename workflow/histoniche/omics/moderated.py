"""Moderated t-tests of many genes: variances drawn towards what a gene's level lets expect."""

import math
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Variances of genes that hardly vary have no useful logarithm.
_SMALLEST_SHARE = 1e-5


class Prior(NamedTuple):
    """What genes let expect of a gene's variance."""

    df: float
    """Degrees of freedom that the expectation is worth; infinite if variances differ by chance."""
    variance: Floats
    """(genes,): the variance expected at the gene's level."""


class Moderated(NamedTuple):
    """Tests of one coefficient, each (genes,); NaN of a gene that is the same in all patients."""

    change: Floats
    """The coefficient."""
    error: Floats
    """Its standard error, by the moderated variance."""
    t: Floats
    df: float
    """Degrees of freedom of t, the prior's among them."""
    p: Floats
    """Two-sided."""
    prior: Prior
    """Of the genes that vary."""


def moderated_t(values: Floats, design: Floats) -> Moderated:
    """Test the last coefficient of a linear model of each gene, by limma's method.

    Parameters
    ----------
    values
        (genes, patients), on the log2 scale.
    design
        (patients, coefficients), of full rank and fewer coefficients than patients.

    Returns
    -------
    The tests. Variances are moderated by a prior whose variance changes smoothly with the
    gene's mean, as of limma's `eBayes(trend = TRUE)`: genes of low expression vary otherwise.

    References
    ----------
    Smyth 2004, Stat Appl Genet Mol Biol 3:3; Law et al. 2014, Genome Biol 15:R29; Ritchie et
    al. 2015, Nucleic Acids Res 43:e47.
    """
    varies = np.ptp(values, axis=1) > 0
    own = values[varies]
    beta, *_ = np.linalg.lstsq(design, own.T, rcond=None)
    df = design.shape[0] - design.shape[1]
    variance = ((own.T - design @ beta) ** 2).sum(axis=0) / df
    prior = variance_prior(variance, own.mean(axis=1), df=df)
    if math.isinf(prior.df):
        posterior = prior.variance
    else:
        posterior = (df * variance + prior.df * prior.variance) / (df + prior.df)
    unscaled = math.sqrt(np.linalg.inv(design.T @ design)[-1, -1])
    # All genes together know no more than their own degrees of freedom.
    total = float(min(df + prior.df, df * len(own)))
    change, error, t, p = np.full((4, len(values)), np.nan)
    change[varies], error[varies] = beta[-1], unscaled * np.sqrt(posterior)
    t[varies] = change[varies] / error[varies]
    p[varies] = 2 * scipy.stats.t.sf(np.abs(t[varies]), total)
    return Moderated(change, error, t, total, p, prior)


def variance_prior(variance: Floats, level: Floats, *, df: int) -> Prior:
    """What the variances of genes let expect of one of them, by their level.

    Parameters
    ----------
    variance
        (genes,): residual variances.
    level
        (genes,): mean of each gene.
    df
        Residual degrees of freedom of the variances.

    Returns
    -------
    The prior, fitted to the moments of the logarithms: variances follow a scaled F
    distribution with `df` and the prior's degrees of freedom.

    References
    ----------
    Smyth 2004, Stat Appl Genet Mol Biol 3:3, section 6.2.
    """
    if not len(variance):
        return Prior(0.0, variance)
    middle = float(np.median(variance)) or 1.0
    half = df / 2
    logs = np.log(np.maximum(variance, _SMALLEST_SHARE * middle))
    logs += math.log(half) - float(scipy.special.digamma(half))
    basis = natural_spline(level)
    beta, _, rank, _ = np.linalg.lstsq(basis, logs, rcond=None)
    expected = basis @ beta
    if len(logs) <= rank:
        return Prior(0.0, np.exp(expected))
    excess = ((logs - expected) ** 2).sum() / (len(logs) - rank)
    excess -= float(scipy.special.polygamma(1, half))
    if excess <= 0:
        return Prior(math.inf, np.exp(expected))
    other = _inverse_trigamma(float(excess))
    shift = float(scipy.special.digamma(other)) - math.log(other)
    return Prior(2 * other, np.exp(expected + shift))


def natural_spline(level: Floats) -> Floats:
    """Basis of natural cubic splines, (genes, 1 to 4), with knots at equal quantiles.

    Of 30 genes or more two knots lie within the range, of 6 one, of 3 none; of fewer, or where
    all levels are one, the basis is constant. Linear at both ends.

    References
    ----------
    Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, 5.2.1.
    """
    count = 1 + sum(len(level) >= least for least in (3, 6, 30))
    count = min(count, len(np.unique(level)))
    columns = [np.ones(len(level))]
    if count > 1:
        # Of one length, so that cubes of large levels stay comparable with the rest.
        scaled = (level - level.min()) / np.ptp(level)
        columns.append(scaled)
        knots = np.quantile(scaled, np.linspace(0, 1, count))
        ends = [_cut_cube(scaled, knot, float(knots[-1])) for knot in knots[:-1]]
        columns += [one - ends[-1] for one in ends[:-1]]
    return np.column_stack(columns)


def _cut_cube(x: Floats, knot: float, last: float) -> Floats:
    """A cube from one knot on that is linear again behind the last."""
    rising = np.maximum(x - knot, 0) ** 3 - np.maximum(x - last, 0) ** 3
    return np.asarray(rising / (last - knot))


def _inverse_trigamma(value: float) -> float:
    """The number above 0 whose trigamma is `value`."""

    def above(log: float) -> float:
        return float(scipy.special.polygamma(1, math.exp(log))) - value

    # Trigamma falls from 1 / x**2 near 0 to 1 / x far out.
    low = -0.5 * math.log(value) - 1 if value > 1 else -1.0
    high = 1 - math.log(value) if value < 1 else 1.0
    return math.exp(scipy.optimize.brentq(above, low, high, xtol=1e-13))
