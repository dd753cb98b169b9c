"""Areas of the regions: measured on region maps, or brought along."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def measure_areas(
    counts: np.ndarray, *, mpp: float, palette: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Area of every region of a map.

    Parameters
    ----------
    counts
        Pixels of each label, (labels,).
    mpp
        Micrometres per pixel.

    Returns
    -------
    A mapping a region without the background: region, pixels, area_mm2, and
    tissue_share, its share of all regions together (0 to 1; NaN as None if
    there is none).
    """
    tissue = sum(int(counts[entry["label"]]) for entry in palette[1:])
    return [
        {
            "region": entry["region"],
            "pixels": int(counts[entry["label"]]),
            "area_mm2": float(counts[entry["label"]] * mpp**2 / 1e6),
            "tissue_share": float(counts[entry["label"]] / tissue) if tissue else None,
        }
        for entry in palette[1:]
    ]
