"""Resolution of a slide in micrometres per pixel, and where the number came from."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from histoniche.errors import UnusableSlide

_UM_PER_UNIT = {"centimeter": 10_000.0, "inch": 25_400.0}
# Printers' resolutions, which software writes when it knows none.
_PLACEHOLDER_DPI = (1.0, 72.0, 96.0, 150.0, 300.0)
_REMEDY = "fill in the column mpp of the sheet of slides"


class Resolution(NamedTuple):
    """Micrometres per pixel of level 0, and its source: sheet, openslide, vendor or tiff."""

    mpp: float
    source: str


def find_resolution(properties: Mapping[str, str], sheet_mpp: float | None) -> Resolution:
    """Find the resolution: the sheet's, else OpenSlide's, the vendor's or the TIFF's.

    Parameters
    ----------
    properties
        The slide's properties as OpenSlide names them. Magnification is never used.
    sheet_mpp
        Number from the sheet, or None.

    Raises
    ------
    UnusableSlide
        If none is found, or the pixels are not square.
    """
    if sheet_mpp is not None:
        return Resolution(sheet_mpp, "sheet")
    for source, pair in (
        ("openslide", _pair(properties, "openslide.mpp-x", "openslide.mpp-y")),
        ("vendor", _pair(properties, "aperio.MPP", "aperio.MPP")),
        ("tiff", _tiff(properties)),
    ):
        if pair is not None and _is_plausible(pair[0]):
            if abs(pair[0] / pair[1] - 1) > 0.02:
                raise UnusableSlide(
                    f"pixels are not square ({pair[0]:.4g} by {pair[1]:.4g} µm); {_REMEDY}"
                )
            return Resolution((pair[0] + pair[1]) / 2, source)
    raise UnusableSlide(f"no resolution in the file; {_REMEDY}")


def _pair(properties: Mapping[str, str], x: str, y: str) -> tuple[float, float] | None:
    """Two properties as numbers, if both are there and positive."""
    try:
        pair = float(properties[x]), float(properties[y])
    except (KeyError, ValueError):
        return None
    return pair if all(math.isfinite(value) and value > 0 for value in pair) else None


def _tiff(properties: Mapping[str, str]) -> tuple[float, float] | None:
    """Resolution from the tags XResolution and YResolution."""
    unit = _UM_PER_UNIT.get(properties.get("tiff.ResolutionUnit", ""))
    pair = _pair(properties, "tiff.XResolution", "tiff.YResolution")
    if unit is None or pair is None:
        return None
    return unit / pair[0], unit / pair[1]


def _is_plausible(mpp: float) -> bool:
    """Whether a file's resolution is one of a slide, not what writers state for want of one."""
    dpi = _UM_PER_UNIT["inch"] / mpp
    placeholder = any(math.isclose(dpi, known, rel_tol=1e-3) for known in _PLACEHOLDER_DPI)
    return 0.01 <= mpp <= 1000 and not placeholder
