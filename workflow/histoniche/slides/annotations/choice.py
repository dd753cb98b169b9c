"""Which kind of annotation a file is."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from histoniche.cohort.masks import drawing_kind
from histoniche.slides.annotations.annotation import Annotation, Frame
from histoniche.slides.annotations.label_image import LabelImageAnnotation, check_labels
from histoniche.slides.annotations.mask import MaskAnnotation, check_mask
from histoniche.slides.annotations.polygons import PolygonAnnotation, read_polygons


def open_annotation(path: Path, frame: Frame, palette: Sequence[Mapping[str, Any]]) -> Annotation:
    """Open an annotation: PNG, GeoJSON or OME-Zarr labels.

    Parameters
    ----------
    path
        The file, or the folder of an OME-Zarr.
    frame
        The slide.
    palette
        Mappings with label, region, name and colour.

    Raises
    ------
    InputError
        If it cannot be read, or listing what the palette does not have.
    """
    kinds: dict[str, Callable[..., Annotation]] = {
        "zarr": LabelImageAnnotation,
        "geojson": PolygonAnnotation,
        "png": MaskAnnotation,
    }
    return kinds[drawing_kind(path)](path, frame, palette)


def check_annotation(path: Path, frame: Frame, *, coarsest_mpp: float) -> None:
    """Check that an annotation fits its slide, before anything is cut.

    Parameters
    ----------
    coarsest_mpp
        Images of labels coarser than this cannot label the tiles.

    Raises
    ------
    InputError
        If it does not.
    """
    kind = drawing_kind(path)
    if kind == "zarr":
        check_labels(path, frame, coarsest_mpp=coarsest_mpp)
    elif kind == "png":
        check_mask(path, frame, coarsest_mpp=coarsest_mpp)
    else:
        list(read_polygons(path))
