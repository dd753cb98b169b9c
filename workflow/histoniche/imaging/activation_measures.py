"""Where activation is highest in the tumour, and what the maps are there; needs no network."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.ndimage import distance_transform_edt

from histoniche.imaging.samples import Sample, read_sample
from histoniche.tables import write_table

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

CORE, MARGIN, OUTSIDE = "core", "margin", "outside"
ZONES = (CORE, MARGIN, OUTSIDE)
"""Parts of a crop: the tumour without its margin, the margin, and what lies outside both."""

MARGIN_REACH = 1 / 16
"""How far the margin reaches to either side of the tumour's border, as a share of the side."""


def read_activation(file: Path) -> Floats:
    """Activation (slices, side, side) that `map_activation` wrote."""
    return np.asarray(load_file(file)["activation"], np.float32)


def measure_activation(
    samples: Mapping[str, Path],
    activations: Mapping[str, Path],
    *,
    maps: Sequence[str],
    share: float,
    values: Path,
    zones: Path,
) -> None:
    """Measure each map where activation is highest, and where in the crop that is.

    Parameters
    ----------
    samples, activations
        Files by patient.
    maps
        Names of the samples' maps in their order.
    share
        Share of the crop that is highlighted, see `highlighted`.
    values
        Written: patient, map, inside and outside (mean of the map in the highlighted area and
        in the rest of the crop, in the map's unit, over what of them is brain; NaN where none
        is), highlighted_share_margin (share of the highlighted area at the tumour's margin).
    zones
        Written: patient, zone (`ZONES`), share (of the crop), activation (mean in it),
        highlighted (share of the highlighted area that lies in it).

    Patients whose scan cannot be used, or in whom nothing spoke for a risk, are in neither.
    """
    rows: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for patient, file in sorted(samples.items()):
        sample, activation = read_sample(file), read_activation(activations[patient])
        if not len(activation) or not activation.any():
            continue
        bright = highlighted(activation, share)
        own = zones_of(sample.tumour)
        at = {zone: float(own[zone][bright].mean()) for zone in ZONES}
        margin = {"highlighted_share_margin": at[MARGIN]}
        rows += [{"patient": patient, **row, **margin} for row in _means(sample, bright, maps)]
        parts += [
            {
                "patient": patient,
                "zone": zone,
                "share": float(inside.mean()),
                "activation": float(activation[inside].mean()) if inside.any() else np.nan,
                "highlighted": at[zone],
            }
            for zone, inside in own.items()
        ]
    columns = ["patient", "map", "inside", "outside", "highlighted_share_margin"]
    write_table(pd.DataFrame(rows, columns=columns), values)
    columns = ["patient", "zone", "share", "activation", "highlighted"]
    write_table(pd.DataFrame(parts, columns=columns), zones)


def highlighted(activation: Floats, share: float) -> Bools:
    """Say which pixels of a patient's slices are highlighted.

    Parameters
    ----------
    activation
        (slices, side, side).
    share
        Of all pixels, those with the highest activation, one at least; of equal ones at the
        limit those that come first.

    Returns
    -------
    Boolean, as `activation`.
    """
    count = max(1, round(share * activation.size))
    chosen = np.zeros(activation.size, np.bool_)
    chosen[np.argsort(-activation, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(activation.shape)


def zones_of(tumour: NDArray[np.uint8], reach: float = MARGIN_REACH) -> dict[str, Bools]:
    """Divide crops into the tumour's core, its margin, and what lies outside.

    Parameters
    ----------
    tumour
        (slices, side, side), not 0 in the tumour.
    reach
        How far the margin reaches from the border to either side, as a share of the side.

    Returns
    -------
    Boolean, as `tumour`, for each of `ZONES`; every pixel is in one.
    """
    width = max(1.0, reach * tumour.shape[-1])
    inside = tumour > 0
    core, margin = np.zeros((2, *tumour.shape), np.bool_)
    for place, own in enumerate(inside):
        # Distances to the nearest pixel of the other side; a slice without tumour has no border.
        if own.any():
            # A crop holds the tumour's whole box, so that what lies beyond it is outside.
            within = distance_transform_edt(np.pad(own, 1))[1:-1, 1:-1]
            margin[place] = np.where(own, within, distance_transform_edt(~own)) <= width
        core[place] = own & ~margin[place]
    return {CORE: core, MARGIN: margin, OUTSIDE: ~core & ~margin}


def _means(sample: Sample, bright: Bools, maps: Sequence[str]) -> list[dict[str, Any]]:
    """Mean of each map in the highlighted area, and in the rest."""
    # Outside of the brain every map was set to 0, which is no value of theirs.
    brain = (sample.images != 0).any(axis=1)
    return [
        {
            "map": name,
            "inside": _mean(sample.images[:, place], bright & brain),
            "outside": _mean(sample.images[:, place], ~bright & brain),
        }
        for place, name in enumerate(maps)
    ]


def _mean(values: Floats, where: Bools) -> float:
    """Mean of some values, NaN of none."""
    return float(values[where].mean(dtype=np.float64)) if where.any() else math.nan
