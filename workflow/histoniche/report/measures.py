"""What the statistics call area."""

import re

MEASURES = {
    "area_mm2": ("Area", "mm²"),
    "pixels": ("Area", "pixels of the region map"),
    "tissue_share": ("Share of the tissue", "0 to 1"),
}
"""Choices of `areas.measure`: name and unit."""

UNITS = {"area_mm2": "mm²", "pixels": "px", "tissue_share": ""}
"""Unit on an axis; a share has none."""

SHORT = {"area_mm2": "mm²", "pixels": "px", "tissue_share": "of the tissue"}
"""Unit as it stands behind a number."""


def compared(kind: str, unit: str, measure: str) -> str:
    """What a hazard ratio compares, in words: "per SD (10.2 mm²)", "per 10 years", "M vs F".

    Parameters
    ----------
    kind
        area or covariate.
    unit
        As the table of the Cox models has it; an area's is "per SD (10.2)".
    measure
        A key of `MEASURES`.
    """
    if kind != "area":
        return unit
    return re.sub(r"\(([\d.]+)\)", rf"(\1 {SHORT[measure]})", unit)


def covariate_name(term: str) -> str:
    """Name of the covariate that a term belongs to: sex for "sex: M"."""
    return term.partition(":")[0]
