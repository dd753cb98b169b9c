"""Outlines: masks as polygons that QuPath and other programs can edit."""

import numpy as np
import shapely


def outline(mask: np.ndarray) -> shapely.MultiPolygon:
    """Outline of a mask along its pixels' edges, in pixels.

    Parameters
    ----------
    mask
        Boolean, (height, width).

    Returns
    -------
    Polygons with holes, valid; their area equals the number of pixels.
    """
    padded = np.pad(mask, ((0, 0), (1, 1)))
    steps = np.diff(padded.astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    union = shapely.union_all(shapely.box(starts, rows, ends, rows + 1))
    parts = [part for part in shapely.get_parts(union) if not part.is_empty]
    return shapely.MultiPolygon(parts)


def feature(
    polygons: shapely.MultiPolygon, *, name: str, code: str, colour: tuple[int, int, int]
) -> dict[str, object]:
    """A GeoJSON feature that QuPath opens as an annotation of a class."""
    return {
        "type": "Feature",
        "id": code,
        "geometry": shapely.geometry.mapping(polygons),
        "properties": {
            "objectType": "annotation",
            "name": name,
            "classification": {"name": code, "color": list(colour)},
        },
    }
