"""OME-TIFF and OME-Zarr: RGB pyramids that state their own resolution."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from histoniche.errors import UnusableSlide
from histoniche.slides.ngff import FAULTS, open_multiscale
from histoniche.slides.readers.slide import Level, words_of
from histoniche.slides.resolution import find_resolution

_UM = {"µm": 1.0, "um": 1.0, "micrometer": 1.0, "nm": 1e-3, "nanometer": 1e-3}
_UM |= {"mm": 1e3, "millimeter": 1e3, "cm": 1e4, "centimeter": 1e4}
_NOT_RGB = "not an RGB image of 8 bits"


def is_ome_tiff(path: Path) -> bool:
    """Whether a file is a TIFF with OME metadata."""
    if path.suffix.lower() not in (".tif", ".tiff", ".btf"):
        return False
    try:
        with tifffile.TiffFile(path) as file:
            return file.is_ome
    except Exception:  # noqa: BLE001 - a damaged file fails in any way
        return False


class _Pyramid:
    """Levels that are Zarr arrays with the axes c, y and x in some order."""

    def __init__(
        self, arrays: Sequence[Any], axes: str, mpp: tuple[float, float] | None, sheet: float | None
    ) -> None:
        self._arrays, self._axes = list(arrays), axes
        if any(array.dtype != np.uint8 for array in arrays) or self._length("c") != 3:
            raise UnusableSlide(_NOT_RGB)
        if any(self._length(axis) != 1 for axis in axes if axis not in "cyx"):
            raise UnusableSlide("a series of images over time or depth")
        stated = (
            {} if mpp is None else {"openslide.mpp-x": str(mpp[0]), "openslide.mpp-y": str(mpp[1])}
        )
        found = find_resolution(stated, sheet)
        self.resolution = found if found.source == "sheet" else found._replace(source="ome")
        self.properties: Mapping[str, str] = {}
        sizes = [
            (array.shape[axes.index("x")], array.shape[axes.index("y")]) for array in self._arrays
        ]
        self.levels = tuple(
            Level(width, height, (sizes[0][0] / width + sizes[0][1] / height) / 2)
            for width, height in sizes
        )

    def _length(self, axis: str) -> int:
        """Length of an axis."""
        return int(self._arrays[0].shape[self._axes.index(axis)]) if axis in self._axes else 0

    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        """Read a rectangle of a level; see `Slide`."""
        out = np.full((height, width, 3), 255, np.uint8)
        size = self.levels[level]
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, size.width), min(y + height, size.height)
        if right <= left or bottom <= top:
            return out
        parts = {"c": slice(None), "y": slice(top, bottom), "x": slice(left, right)}
        try:
            pixels = np.asarray(
                self._arrays[level][tuple(parts.get(axis, 0) for axis in self._axes)]
            )
        except MemoryError:
            raise
        except Exception as error:
            raise UnusableSlide(f"cannot be read at x {x}, y {y}: {words_of(error)}") from error
        order = [axis for axis in self._axes if axis in parts]
        pixels = pixels.transpose([order.index(axis) for axis in "yxc"])
        out[top - y : bottom - y, left - x : right - x] = pixels
        return out


class OmeTiffSlide(_Pyramid):
    """An OME-TIFF, its levels in SubIFDs."""

    reader = "tifffile"
    vendor = "ome-tiff"

    def __init__(self, path: Path, sheet_mpp: float | None) -> None:
        import zarr  # noqa: PLC0415 - costs a quarter of a second, and few slides need it

        try:
            self._file = tifffile.TiffFile(path)
            series = self._file.series[0]
            arrays = [
                zarr.open_array(series.aszarr(level=level), mode="r")
                for level in range(len(series.levels))
            ]
        except (tifffile.TiffFileError, ValueError, IndexError, OSError, RuntimeError) as error:
            raise UnusableSlide(f"cannot be opened: {words_of(error)}") from error
        axes = series.axes.lower().replace("s", "c")
        if sorted(axes.replace("t", "").replace("z", "")) != ["c", "x", "y"]:
            raise UnusableSlide(_NOT_RGB)
        super().__init__(arrays, axes, _stated(self._file.ome_metadata or ""), sheet_mpp)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class OmeZarrSlide(_Pyramid):
    """An OME-Zarr image (NGFF 0.4 in Zarr v2, 0.5 in v3)."""

    reader = "zarr"
    vendor = "ome-zarr"

    def __init__(self, path: Path, sheet_mpp: float | None) -> None:
        try:
            image, group = open_multiscale(path)
            axes = "".join(axis["name"] for axis in image["axes"])
            arrays = [group[entry["path"]] for entry in image["datasets"]]
            mpp = _scale(image)
        except FAULTS as error:
            words = words_of(error)
            raise UnusableSlide(f"cannot be opened: no OME-Zarr image ({words})") from error
        if not {"c", "y", "x"} <= set(axes):
            raise UnusableSlide(_NOT_RGB)
        super().__init__(arrays, axes, mpp, sheet_mpp)

    def close(self) -> None:
        """Nothing is held open."""


def _stated(xml: str) -> tuple[float, float] | None:
    """Resolution in OME-XML, in µm, found by its attributes' names alone."""
    sides = []
    for axis in "XY":
        size = re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]+)"', xml)
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', xml)
        factor = _UM.get(unit.group(1) if unit else "µm")
        if size is None or factor is None:
            return None
        try:
            sides.append(float(size.group(1)) * factor)
        except ValueError:
            return None
    return sides[0], sides[1]


def _scale(image: Mapping[str, Any]) -> tuple[float, float] | None:
    """Resolution of the finest level of an OME-Zarr image in µm, x and y."""
    steps = [
        *image["datasets"][0].get("coordinateTransformations", []),
        *image.get("coordinateTransformations", []),
    ]
    found = {}
    for index, axis in enumerate(image["axes"]):
        factor = _UM.get(axis.get("unit", ""))
        scales = [step["scale"][index] for step in steps if step["type"] == "scale"]
        if axis["name"] in "xy" and factor is not None and scales:
            found[axis["name"]] = float(np.prod(scales)) * factor
    return (found["x"], found["y"]) if len(found) == 2 else None
