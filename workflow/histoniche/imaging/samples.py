"""Samples: the tumour on a few equally spaced slices, cropped, with all maps.

Pictures lie as one looks at a face: row 0 is the front of the head; columns run from the patient's
left to the right.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file, save_file

from histoniche.errors import UnusableScan
from histoniche.files import whole_file


class Sample(NamedTuple):
    """What a network sees of one patient."""

    images: np.ndarray
    """float32, (slices, maps, side, side), in the maps' units: diffusivities in um2/ms."""
    tumour: np.ndarray
    """uint8, (slices, side, side): 1 on the tumour."""
    axial: np.ndarray
    """int32, (slices,): number of each slice in the volume, counted upwards from 0."""
    pixel_mm: float = float("nan")
    """Edge of a pixel."""


class Box(NamedTuple):
    """A tumour's bounding box in voxels: first and last of each axis."""

    x: tuple[int, int]
    y: tuple[int, int]
    z: tuple[int, int]


class Square(NamedTuple):
    """A square crop: its middle in voxels, where voxel 0 reaches from 0 to 1, and its edge."""

    x: float
    y: float
    edge_mm: float


def make_sample(
    maps: np.ndarray,
    tumour: np.ndarray,
    voxel_mm: tuple[float, float, float],
    *,
    slices: int,
    side: int,
    margin: float,
) -> Sample:
    """Cut a patient's sample.

    Parameters
    ----------
    maps
        (maps, x, y, z), towards the right, to the front and upwards.
    tumour
        Boolean, (x, y, z).
    voxel_mm
        Edges of a voxel.
    slices
        Number of axial slices; see `choose_slices`.
    side
        Edge of a crop in pixels, which are square in mm.
    margin
        mm around the tumour's box.

    Raises
    ------
    UnusableScan
        If the tumour is empty, or touches none of the slices.
    """
    box = bounding_box(tumour)
    axial = choose_slices(box, slices)
    if not tumour[:, :, axial].any():
        numbers = ", ".join(map(str, axial))
        raise UnusableScan(f"the tumour mask touches none of the slices {numbers}")
    square = fit_square(box, voxel_mm, margin=margin)
    along = [
        resampling(count, middle=middle, voxel=edge, length=square.edge_mm, pixels=side)
        for count, middle, edge in zip(tumour.shape[:2], square[:2], voxel_mm[:2], strict=True)
    ]
    x, y = along
    # To rows from the front, and columns from the patient's left.
    images = np.einsum("px,qy,mxyz->zmqp", x, y, maps[..., axial], optimize=True)[..., ::-1, :]
    columns, rows = (
        nearest_voxels(middle=middle, voxel=edge, length=square.edge_mm, pixels=side)
        for middle, edge in zip(square[:2], voxel_mm[:2], strict=True)
    )
    inside = _take(tumour, columns, rows)[..., axial].transpose(2, 1, 0)[:, ::-1]
    return Sample(
        np.ascontiguousarray(images, np.float32),
        np.ascontiguousarray(inside, np.uint8),
        axial.astype(np.int32),
        square.edge_mm / side,
    )


def bounding_box(tumour: np.ndarray) -> Box:
    """Bounding box of a mask, boolean, (x, y, z)."""
    if not tumour.any():
        raise UnusableScan("the tumour mask is empty")
    ends = []
    for axis in range(3):
        touched = np.flatnonzero(tumour.any(axis=tuple({0, 1, 2} - {axis})))
        ends.append((int(touched[0]), int(touched[-1])))
    return Box(*ends)


def choose_slices(box: Box, count: int) -> np.ndarray:
    """Number of each of `count` equally spaced axial slices of a box, upwards.

    The box is divided into `count` parts of one height, and the slice in which the middle of
    each part lies is taken: of slices 0 to 7 four are 1, 3, 5 and 7; of 0 to 9 they are 1, 3,
    6 and 8. A box of less slices than that gives some of them more than once: 0 to 1 gives 0,
    0, 1, 1. The outermost slices, where little of the tumour is left, come in only then.
    """
    first, last = box.z
    return first + (2 * np.arange(count) + 1) * (last - first + 1) // (2 * count)


def fit_square(box: Box, voxel_mm: tuple[float, float, float], *, margin: float) -> Square:
    """The smallest axial square around a box, with `margin` mm around its longer side."""
    (x0, x1), (y0, y1), _ = box
    longer = max((x1 - x0 + 1) * voxel_mm[0], (y1 - y0 + 1) * voxel_mm[1])
    return Square((x0 + x1 + 1) / 2, (y0 + y1 + 1) / 2, longer + 2 * margin)


def resampling(
    count: int, *, middle: float, voxel: float, length: float, pixels: int
) -> np.ndarray:
    """Weights that resample one axis, (pixels, count).

    Pixels larger than voxels are the means of what they cover; smaller ones lie on the line
    between the two nearest voxels' middles. Beyond the volume all is 0.

    Parameters
    ----------
    count
        Voxels of the axis.
    middle
        Middle of the crop in voxels.
    voxel, length
        Edges of a voxel and of the crop, mm.
    pixels
        Pixels of the crop.
    """
    centres = _centres(middle=middle, voxel=voxel, length=length, pixels=pixels)[:, None]
    edges = np.arange(count)
    size = length / pixels / voxel
    if size < 1:
        return np.clip(1 - np.abs(centres - (edges + 0.5)), 0, None)
    covered = np.minimum(centres + size / 2, edges + 1) - np.maximum(centres - size / 2, edges)
    return np.clip(covered, 0, None) / size


def nearest_voxels(*, middle: float, voxel: float, length: float, pixels: int) -> np.ndarray:
    """Number of the voxel in which each pixel's middle lies, (pixels,); may be outside."""
    places = _centres(middle=middle, voxel=voxel, length=length, pixels=pixels)
    return np.floor(places).astype(int)


def write_sample(sample: Sample, path: Path) -> None:
    """Write a sample as safetensors, whole or not at all."""
    tensors = {
        "images": np.ascontiguousarray(sample.images, np.float32),
        "tumour": np.ascontiguousarray(sample.tumour, np.uint8),
        "axial": np.ascontiguousarray(sample.axial, np.int32),
        "pixel_mm": np.array([sample.pixel_mm], np.float64),
    }
    with whole_file(path) as temporary:
        save_file(tensors, temporary)


def read_sample(path: Path) -> Sample:
    """Read what `write_sample` wrote."""
    tensors = load_file(path)
    images, tumour, axial = (tensors[name] for name in ("images", "tumour", "axial"))
    return Sample(images, tumour, axial, float(tensors["pixel_mm"][0]))


def empty_sample(maps: int, side: int) -> Sample:
    """The sample of a scan that cannot be used: of no slices."""
    images, tumour = (
        np.zeros((0, maps, side, side), np.float32),
        np.zeros((0, side, side), np.uint8),
    )
    return Sample(images, tumour, np.zeros(0, np.int32))


def _centres(*, middle: float, voxel: float, length: float, pixels: int) -> np.ndarray:
    """Middles of a crop's pixels in voxels, (pixels,)."""
    return middle + (np.arange(pixels) + 0.5 - pixels / 2) * (length / pixels / voxel)


def _take(volume: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Voxels of some columns and rows, False outside of the volume."""
    width, height = volume.shape[:2]
    x, y = np.clip(columns, 0, width - 1), np.clip(rows, 0, height - 1)
    inside = (x == columns)[:, None] & (y == rows)[None, :]
    return volume[np.ix_(x, y)] & inside[..., None]
