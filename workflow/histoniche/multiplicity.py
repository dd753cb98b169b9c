"""Many tests at once."""

import numpy as np
import scipy.stats
from numpy.typing import NDArray


def false_discovery(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini-Hochberg's q of the p that are numbers; NaN where p is NaN."""
    q = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = scipy.stats.false_discovery_control(p[known])
    return q
