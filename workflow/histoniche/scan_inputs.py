"""What scans of many scores against survival ask of their arrays."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def check_scan(scores: Floats, time: Floats, event: NDArray[np.bool_]) -> None:
    """Raise a ValueError unless scores, times and events fit, are finite, and somebody died."""
    if scores.ndim != 2 or not scores.shape[1] == len(time) == len(event):
        raise ValueError(f"patients do not match: {scores.shape}, {len(time)} and {len(event)}")
    if not (np.isfinite(scores).all() and np.isfinite(time).all()):
        raise ValueError("values must be finite")
    if not event.any():
        raise ValueError("nobody died")
