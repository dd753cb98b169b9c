"""Polygons: GeoJSON with class names, as QuPath exports it, in pixels of level 0."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from histoniche.cohort.palette import IGNORE
from histoniche.errors import InputError
from histoniche.slides.annotations.annotation import Frame, centres, refuse_unknown
from histoniche.slides.annotations.rasterise import inside

_LARGEST_BYTES = 1 << 30
_REMEDY = "export it from QuPath as GeoJSON, objects as a FeatureCollection"


class PolygonAnnotation:
    """Polygons with class names; where they overlap, the later one counts.

    Parameters
    ----------
    path
        GeoJSON. The class is `properties.classification.name`, or else
        `properties.name`: a region's code or its name in the palette.
    frame
        The slide.
    palette
        Mappings with `label`, `region` and `name`.

    Raises
    ------
    InputError
        If the file is no GeoJSON, or listing classes that are not in the palette.
    """

    def __init__(self, path: Path, frame: Frame, palette: Sequence[Mapping[str, Any]]) -> None:
        self._frame, self._palette = frame, palette
        self._labels: list[int] = []
        self._polygons: list[shapely.Polygon] = []
        known: dict[str, int] = {}
        for entry in palette:
            known |= {entry[key].casefold(): entry["label"] for key in ("region", "name")}
        unknown: set[str] = set()
        for name, polygon in read_polygons(path):
            if name.casefold() in known:
                self._labels.append(known[name.casefold()])
                self._polygons.append(polygon)
            else:
                unknown.add(name or "(no class)")
        codes = ", ".join(entry["region"] for entry in palette)
        refuse_unknown("classes", unknown, file=path, remedy=f"name them {codes}")
        self._tree = shapely.STRtree(self._polygons)
        if len(self._tree.query(shapely.box(0, 0, frame.width, frame.height))) == 0:
            raise InputError(
                "no polygon lies on the slide",
                file=path,
                column="annotation",
                remedy="export it from this slide, in pixels of its full resolution",
            )

    def tile(self, x: float, y: float, footprint: float, size: int) -> np.ndarray:
        """Labels of one tile; see `Annotation`."""
        labels = np.full((size, size), IGNORE, np.uint8)
        xs, ys = centres(x, footprint, size), centres(y, footprint, size)
        touched = self._tree.query(shapely.box(x, y, x + footprint, y + footprint))
        for number in sorted(touched):
            labels[inside(rings_of(self._polygons[number]), xs, ys)] = self._labels[number]
        labels[ys >= self._frame.height] = IGNORE
        labels[:, xs >= self._frame.width] = IGNORE
        return labels

    def areas_mm2(self) -> list[float]:
        """Annotated area of each label; see `Annotation`."""
        slide = shapely.box(0, 0, self._frame.width, self._frame.height)
        areas = dict.fromkeys((entry["label"] for entry in self._palette), 0.0)
        covered = shapely.Polygon()
        # From the last on, which lies on top of the others.
        for label, polygon in zip(self._labels[::-1], self._polygons[::-1], strict=True):
            seen = shapely.intersection(shapely.make_valid(polygon), slide)
            areas[label] += shapely.difference(seen, covered).area * self._frame.mpp**2 / 1e6
            covered = shapely.union(covered, seen)
        return list(areas.values())


def read_polygons(
    path: Path, *, column: str = "annotation"
) -> Iterator[tuple[str, shapely.Polygon]]:
    """Read the polygons of a GeoJSON file with their class names ("" if they have none).

    Raises
    ------
    InputError
        If the file is no GeoJSON; `column` of the sheet is named.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("larger than 1 GB")
        content = json.loads(path.read_text(encoding="utf-8"))
        features = content["features"] if isinstance(content, dict) else content
        for feature in features:
            shape = shapely.geometry.shape(feature["geometry"])
            if not np.isfinite(shapely.get_coordinates(shape)).all():
                raise ValueError("coordinates that are no numbers")
            name = _class_of(feature.get("properties") or {})
            for part in _polygons(shape):
                yield name, part
    except (
        *(ValueError, KeyError, TypeError, AttributeError, RecursionError),
        shapely.errors.ShapelyError,
    ) as error:
        problem = "no GeoJSON with features"
        raise InputError(problem, file=path, column=column, remedy=_REMEDY) from error


def _polygons(shape: shapely.Geometry) -> Iterator[shapely.Polygon]:
    """All polygons of a geometry, those of its collections too."""
    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Polygon):
            if not part.is_empty:
                yield part
        elif hasattr(part, "geoms"):
            yield from _polygons(part)


def _class_of(properties: Mapping[str, Any]) -> str:
    """Name of a feature's class."""
    classification = properties.get("classification")
    if isinstance(classification, dict) and classification.get("name"):
        return str(classification["name"])
    return str(properties.get("name") or "")


def rings_of(polygon: shapely.Polygon) -> list[np.ndarray]:
    """Outer and inner rings of a polygon as arrays."""
    return [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
