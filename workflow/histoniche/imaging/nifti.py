"""NIfTI files: checked before their data are read, turned to one orientation, and written."""

import gzip
import math
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from nibabel.nifti1 import Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from nibabel.spatialimages import HeaderDataError

from histoniche.errors import UnusableScan
from histoniche.files import whole_file

# A map of 0.4 mm over a head has 2**28 voxels; a diffusion volume of the Human Connectome Project
# has almost 2**30 values.
_MOST_VALUES = {3: 2**28, 4: 2**30}
_MOST_OFFSET = 2**26
_VOXEL_MM = (0.1, 20.0)
# Deflate cannot pack more tightly.
_LARGEST_RATIO = 1032
_HEADERS = {348: Nifti1Header, 540: Nifti2Header}
# Two grids are the same if no corner lies further apart than this share of a voxel.
_SAME = 0.1


class Volume(NamedTuple):
    """A volume in the patient's own directions."""

    data: np.ndarray
    """float32, (x, y, z) or (x, y, z, n): towards the right, to the front and upwards."""
    affine: np.ndarray
    """(4, 4): from voxels to mm."""
    oriented_by: str
    """What the header says of the directions: sform, qform, or nothing."""

    @property
    def voxel_mm(self) -> tuple[float, float, float]:
        """Lengths of a voxel's edges, mm; a header's rounding apart they are those stored."""
        x, y, z = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0)).round(4).tolist()
        return x, y, z

    @property
    def tilt_degrees(self) -> float:
        """Angle between the volume's slices and the patient's axial plane, 0 to about 55.

        Slices are those of the volume: of an oblique one they are axial but for this angle.
        """
        right, front = self.affine[:3, 0], self.affine[:3, 1]
        normal = np.cross(right, front)
        upright = abs(float(normal[2])) / float(np.linalg.norm(normal))
        return round(math.degrees(math.acos(min(1.0, upright))), 2)


def read_nifti(path: Path, *, what: str, dimensions: int = 3) -> Volume:
    """Read a `.nii` or `.nii.gz` file, and turn it to its closest right-front-up directions.

    Axes are swapped and reversed; nothing is interpolated, so that the same volume stored in
    another order of axes gives the same numbers. What the header promises is checked before
    any data are read.

    Parameters
    ----------
    path
        The file.
    what
        What the file is, for reasons: "FA".
    dimensions
        3, or 4 for a series of volumes. Further axes of length 1 are dropped.

    Raises
    ------
    UnusableScan
        If the file is no such NIfTI, promises what it cannot hold, or is damaged.
    """
    try:
        # Numbers too large for float32 become infinite, and are found as such later.
        with _opened(path) as stream, np.errstate(over="ignore"):
            header = _read_header(stream, what)
            shape = _checked_shape(header, what, dimensions)
            _check_size(header, path, what)
            affine, oriented_by = _affine_of(header, what)
            data = np.asarray(header.data_from_fileobj(stream), np.float32)
            # What follows the data is not wanted, but the end of a gzip stream holds its checksum.
            stream.read(1)
    except FileNotFoundError as error:
        raise UnusableScan(f"{what}: no such file") from error
    except (EOFError, zlib.error, OSError, HeaderDataError) as error:
        raise UnusableScan(f"{what}: the file is cut off or damaged") from error
    turn = io_orientation(affine)
    turned = apply_orientation(data.reshape(shape), turn)
    return Volume(np.ascontiguousarray(turned), affine @ inv_ornt_aff(turn, shape[:3]), oriented_by)


def write_nifti(data: np.ndarray, affine: np.ndarray, path: Path, *, description: str) -> None:
    """Write a volume as `.nii.gz`, whole or not at all, without a time stamp.

    Parameters
    ----------
    data, affine
        (x, y, z), written as float32; (4, 4), from voxels to mm.
    description
        What the header says of the values, such as their unit; up to 79 letters.
    """
    image = Nifti1Image(np.asarray(data, np.float32), affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode("ascii")
    with whole_file(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def check_grid(volume: Volume, reference: Volume, *, what: str, of: str) -> None:
    """Two volumes have the same voxels at the same places.

    Parameters
    ----------
    volume, reference
        Both turned, so that their order in the files makes no difference.
    what, of
        What they are, for the reason.

    Raises
    ------
    UnusableScan
        Naming both grids, or how far apart the voxels lie.
    """
    shape, wanted = volume.data.shape[:3], reference.data.shape[:3]
    if shape != wanted:
        raise UnusableScan(f"{what} has another grid than {of}: {_by(shape)} and {_by(wanted)}")
    corners = np.array([(*corner, 1) for corner in np.ndindex(2, 2, 2)])
    corners[:, :3] *= np.array(wanted) - 1
    apart = np.linalg.norm((corners @ (volume.affine - reference.affine).T)[:, :3], axis=1).max()
    if apart > _SAME * min(reference.voxel_mm):
        raise UnusableScan(
            f"{what} has another affine than {of}: their voxels lie up to {apart:.3g} mm apart"
        )


def _opened(path: Path) -> BinaryIO:
    """Open a file by what it holds, whatever its name says."""
    return cast(BinaryIO, gzip.open(path)) if _is_packed(path) else path.open("rb")


def _is_packed(path: Path) -> bool:
    """Whether a file is one of gzip."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _read_header(stream: BinaryIO, what: str) -> Any:
    """Read the fixed part of the header, and none of what may be appended to it."""
    block = stream.read(348)
    sizes = [int.from_bytes(block[:4], order) for order in ("little", "big")]
    kind = next((_HEADERS[size] for size in sizes if size in _HEADERS), None)
    if kind is not None:
        block += stream.read(kind.template_dtype.itemsize - 348)
    if kind is None or len(block) != kind.template_dtype.itemsize:
        raise UnusableScan(f"{what}: not a NIfTI file")
    header = kind(block, check=False)
    if bytes(header["magic"])[:3] not in (b"n+1", b"n+2"):
        raise UnusableScan(
            f"{what}: header without data (a pair of .hdr and .img, or Analyze); save it as .nii"
        )
    return header


def _checked_shape(header: Any, what: str, dimensions: int) -> tuple[int, ...]:
    """Shape of the data, and what values they hold, if both can be."""
    count, *lengths = (int(length) for length in header["dim"])
    lengths = lengths[:count] if 1 <= count <= 7 else []
    if not lengths or min(lengths) < 1:
        raise UnusableScan(f"{what}: the header states no grid")
    while len(lengths) > dimensions and lengths[-1] == 1:
        lengths.pop()
    if len(lengths) != dimensions:
        raise UnusableScan(f"{what} has {_by(lengths)} values and not {dimensions} dimensions")
    if math.prod(lengths) > _MOST_VALUES[dimensions]:
        raise UnusableScan(f"{what}: the header promises {_by(lengths)} values, too many to be so")
    try:
        number = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise UnusableScan(f"{what}: the header states no known type of numbers") from error
    if number.kind not in "iuf":
        raise UnusableScan(f"{what} holds {number} and not plain numbers")
    return tuple(lengths)


def _check_size(header: Any, path: Path, what: str) -> None:
    """The file can hold what its header promises, so that nothing absurd is unpacked."""
    offset, size = float(header["vox_offset"]), path.stat().st_size
    if not header.template_dtype.itemsize <= offset <= _MOST_OFFSET:
        raise UnusableScan(f"{what}: the header says that the data begin at byte {offset:g}")
    promised = int(offset) + header.get_data_dtype().itemsize * math.prod(header.get_data_shape())
    if promised > size * (_LARGEST_RATIO if _is_packed(path) else 1):
        raise UnusableScan(
            f"{what}: the file is cut off; its header promises {promised} bytes, it has {size}"
        )


def _affine_of(header: Any, what: str) -> tuple[np.ndarray, str]:
    """Affine that the header states, in mm, and by which of its parts."""
    # Three bits of a number whose others are of time.
    unit = {0: "mm", 2: "mm", 1: "m", 3: "µm"}.get(int(header["xyzt_units"]) & 7, "no known unit")
    if unit != "mm":
        raise UnusableScan(f"{what}: the header gives its voxels in {unit}; save it in mm")
    oriented_by = "nothing"
    for part in ("qform", "sform"):
        oriented_by = part if header[f"{part}_code"] > 0 else oriented_by
    try:
        affine = np.asarray(header.get_best_affine(), float)
    except (HeaderDataError, ValueError) as error:
        raise UnusableScan(f"{what}: the header states no usable affine") from error
    edges = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    least, most = _VOXEL_MM
    if not (np.isfinite(affine).all() and ((least <= edges) & (edges <= most)).all()):
        sizes = " x ".join(f"{edge:.3g}" for edge in edges)
        raise UnusableScan(f"{what}: voxels of {sizes} mm cannot be; mend the header's affine")
    if abs(np.linalg.det(affine[:3, :3] / edges)) < 0.5:
        raise UnusableScan(f"{what}: the axes of the header's affine nearly lie on each other")
    return affine, oriented_by


def _by(shape: "tuple[int, ...] | list[int]") -> str:
    """A grid in words: 48 x 48 x 24."""
    return " x ".join(map(str, shape))
