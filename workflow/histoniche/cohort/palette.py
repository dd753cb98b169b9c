"""Palettes: the regions of a tumour, their labels, names and colours."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

from histoniche.errors import InputError

IGNORE = 255
"""Label of pixels that nobody annotated; they count nowhere."""

JOINT = "all"
"""Head of the network that finds all regions at once."""


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour #RRGGBB as three numbers from 0 to 255."""
    value = int(colour[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


class Region(NamedTuple):
    """One region of a palette; label 0 is the background."""

    label: int
    region: str
    name: str
    colour: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Colour as three numbers from 0 to 255."""
        return rgb(self.colour)


def find_palette(name: str) -> Path:
    """Path of a shipped palette, or of the user's own file."""
    shipped = Path(__file__).parents[3] / "resources" / "palettes" / f"{name}.tsv"
    return shipped if shipped.exists() else Path(name)


def read_palette(path: Path) -> list[Region]:
    """Read a palette: TSV with the columns label, region, name, colour.

    Returns
    -------
    Regions in the order of their labels, which run from 0 (background) without gaps.

    Raises
    ------
    InputError
        If the file is missing or a row does not fit.
    """
    if not path.is_file():
        raise InputError("no such palette", file=path, remedy="name a shipped one or a TSV file")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    palette = []
    for number, row in enumerate(rows, start=2):
        for column, pattern, remedy in (
            ("label", r"\d{1,3}", "write 0 for the background, then 1, 2, ..."),
            ("region", r"[A-Za-z][A-Za-z0-9]{0,15}", "write letters and digits"),
            ("name", r"[^<>]{1,60}", "write a name without < and >"),
            ("colour", r"#[0-9A-Fa-f]{6}", "write #RRGGBB"),
        ):
            value = row.get(column) or ""
            if not re.fullmatch(pattern, value):
                raise InputError(
                    "does not fit", file=path, row=number, column=column, value=value, remedy=remedy
                )
        palette.append(Region(int(row["label"]), row["region"], row["name"], row["colour"]))
    if [region.label for region in palette] != list(range(len(palette))) or len(palette) < 2:
        raise InputError(
            "labels do not run 0, 1, 2, ...", file=path, column="label", remedy="number the rows so"
        )
    for column, values in (
        ("region", [region.region for region in palette]),
        ("colour", [region.colour.upper() for region in palette]),
    ):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise InputError(
                "stands twice", file=path, column=column, value=twice, remedy="make them differ"
            )
    return palette
