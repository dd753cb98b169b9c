"""The diffusion tensor: FA, MD, AD and RD from raw diffusion volumes, fitted by dipy."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel
from dipy.segment.mask import median_otsu

from histoniche.cohort.scan_sheet import FITTED_MAPS
from histoniche.errors import UnusableScan
from histoniche.imaging.nifti import Volume, check_grid, read_nifti

_MOST_BYTES = 1 << 20
# Scanners call volumes of so little diffusion weighting b0 as well.
_B0 = 50
_FEWEST_DIRECTIONS = 6
_LENGTH_TOLERANCE = 0.02
_UM2_MS = 1e3
# Beyond 1500 s/mm2 signal decays ever more slowly, and a tensor would call that slow diffusion;
# a shell of this strength holds values a little above it.
_LARGEST_B = 1600
# Directions that nearly lie on one cone leave the tensor open.
_LEAST_CONDITION = 1e-3


class Fitted(NamedTuple):
    """A tensor that was fitted to raw diffusion volumes."""

    volumes: Volume
    """What it was fitted to, for its grid."""
    maps: dict[str, np.ndarray]
    """FA, MD, AD and RD, (x, y, z), 0 outside of the brain; diffusivities in um2/ms."""
    brain: Volume
    """Boolean."""
    gradients: str
    """How many directions of which strength, in words."""


def fit_scan(row: Mapping[str, str | None], brain: Volume | None) -> Fitted:
    """Read a patient's raw diffusion volumes and fit the tensor inside the brain.

    Parameters
    ----------
    row
        Files: `dwi`, `bvals` and `bvecs`, in the convention of FSL.
    brain
        The mask of the brain, boolean, or None to find one by dipy's `median_otsu` on the b0
        volumes.

    Raises
    ------
    UnusableScan
        If the volumes cannot be read, or b-values and vectors do not belong to them.
    """
    path, *tables = (Path(str(row[name])) for name in ("dwi", "bvals", "bvecs"))
    volumes = read_nifti(path, what="dwi", dimensions=4)
    bvals, bvecs = read_directions(*tables, volumes=volumes.data.shape[-1])
    if not np.isfinite(volumes.data).all():
        raise UnusableScan("dwi holds NaN")
    if brain is None:
        brain = volumes._replace(data=find_brain(volumes.data, bvals))
    else:
        check_grid(brain, volumes, what="the brain mask", of="dwi")
    own = tensor_volumes(bvals, bvecs)
    maps = fit_tensor(volumes.data[..., own], bvals[own], bvecs[own], brain.data)
    return Fitted(volumes, maps, brain, _gradients(bvals, own))


def tensor_volumes(bvals: np.ndarray, bvecs: np.ndarray) -> np.ndarray:
    """Which volumes the tensor is fitted to, boolean, (volumes,).

    Those up to a shell of 1500 s/mm2, since signal does not decay by one tensor's exponential
    beyond; all where these do not determine the tensor.

    Parameters
    ----------
    bvals, bvecs
        As `check_directions` returns them.

    References
    ----------
    Jensen and Helpern 2010, NMR Biomed 23:698.
    """
    few = bvals <= _LARGEST_B
    return few if not coverage_problem(bvecs[few & (bvals > _B0)]) else np.ones(len(bvals), bool)


def _gradients(bvals: np.ndarray, own: np.ndarray) -> str:
    """Directions, strength and volumes left out, in words."""
    weighted = bvals[own & (bvals > _B0)]
    left = f"; {(~own).sum()} stronger volumes left out" if not own.all() else ""
    return f"{len(weighted)} directions, b up to {weighted.max():.0f} s/mm2{left}"


def fit_tensor(
    data: np.ndarray, bvals: np.ndarray, bvecs: np.ndarray, brain: np.ndarray
) -> dict[str, np.ndarray]:
    """Fit the diffusion tensor by weighted least squares.

    The four maps depend on the tensor's eigenvalues alone, which stay as they are when axes
    are swapped or reversed: the vectors need not be turned along with the volumes.

    Parameters
    ----------
    data
        (x, y, z, volumes).
    bvals
        s/mm2, (volumes,).
    bvecs
        Unit vectors, (volumes, 3); 0 for b0.
    brain
        Boolean, (x, y, z).

    Returns
    -------
    FA, MD, AD and RD, float32, (x, y, z), 0 outside of the brain, diffusivities in um2/ms.

    References
    ----------
    Chung, Lu and Henry 2006, NeuroImage 33:531; dipy, Garyfallidis et al. 2014,
    Front Neuroinform 8:8.
    """
    table = gradient_table(bvals, bvecs=bvecs, b0_threshold=_B0, atol=2 * _LENGTH_TOLERANCE)
    fit = TensorModel(table, fit_method="WLS").fit(data, mask=brain)
    maps = dict(zip(FITTED_MAPS, (fit.fa, fit.md, fit.ad, fit.rd), strict=True))
    return {
        name: np.where(brain, values * (1 if name == "FA" else _UM2_MS), 0).astype(np.float32)
        for name, values in maps.items()
    }


def find_brain(data: np.ndarray, bvals: np.ndarray) -> np.ndarray:
    """Brain on the mean of the b0 volumes by dipy's `median_otsu`, boolean, (x, y, z)."""
    mean = data[..., bvals <= _B0].mean(axis=-1)
    _, mask = median_otsu(mean, median_radius=2, numpass=1, finalize_mask=True)
    return mask.astype(bool)


def read_directions(bvals: Path, bvecs: Path, *, volumes: int) -> tuple[np.ndarray, np.ndarray]:
    """Read b-values and b-vectors in the convention of FSL; see `check_directions`."""
    return check_directions(
        _read_numbers(bvals, "bvals").ravel(), _read_numbers(bvecs, "bvecs"), volumes=volumes
    )


def check_directions(
    bvals: np.ndarray, bvecs: np.ndarray, *, volumes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Check b-values and vectors.

    Parameters
    ----------
    bvals
        s/mm2, one a volume.
    bvecs
        (3, volumes), as FSL writes them, or (volumes, 3).
    volumes
        Number of volumes.

    Returns
    -------
    The b-values, (volumes,), and the vectors as (volumes, 3), 0 for b0.

    Raises
    ------
    UnusableScan
        If there are others than the volumes, no b0, less than 6 directions or vectors that
        are not of length 1.
    """
    if len(bvals) != volumes:
        raise UnusableScan(f"{len(bvals)} b-values for {volumes} volumes")
    if 3 not in bvecs.shape:
        raise UnusableScan(f"bvecs is a table of {bvecs.shape[0]} x {bvecs.shape[1]}, not 3 x N")
    vectors = bvecs.T if bvecs.shape[0] == 3 else bvecs
    if len(vectors) != volumes:
        raise UnusableScan(f"{len(vectors)} b-vectors for {volumes} volumes")
    if not np.isfinite(bvals).all() or (bvals < 0).any():
        raise UnusableScan("b-values are not all numbers from 0 up")
    weighted = bvals > _B0
    if not weighted.any():
        raise UnusableScan(f"no b-value is above {_B0} s/mm2; is theirs another unit?")
    if weighted.all():
        raise UnusableScan(f"no b0: every b-value is above {_B0} s/mm2")
    lengths = np.linalg.norm(vectors[weighted], axis=1)
    if not (np.abs(lengths - 1) <= _LENGTH_TOLERANCE).all():
        wrong = lengths[~(np.abs(lengths - 1) <= _LENGTH_TOLERANCE)]
        raise UnusableScan(
            f"{len(wrong)} b-vectors are not of length 1 (the first has {wrong[0]:.3g})"
        )
    problem = coverage_problem(vectors[weighted] / lengths[:, None])
    if problem:
        raise UnusableScan(problem)
    # Converters write NaN where no direction was.
    return bvals, np.where(weighted[:, None], vectors, 0)


def coverage_problem(directions: np.ndarray) -> str:
    """Why unit vectors, (n, 3), leave the tensor's six numbers open; empty if they do not.

    Opposite ones are the same.
    """
    if not len(directions):
        return f"no direction; the tensor needs at least {_FEWEST_DIRECTIONS}"
    first = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    number = len(np.unique((directions * np.sign(first)).round(2), axis=0))
    if number < _FEWEST_DIRECTIONS:
        return f"{number} directions; the tensor needs at least {_FEWEST_DIRECTIONS}"
    x, y, z = directions.T
    terms = np.column_stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z])
    strengths = np.linalg.svd(terms, compute_uv=False)
    if strengths[-1] < _LEAST_CONDITION * strengths[0]:
        return f"{number} directions lie so that they leave the tensor open"
    return ""


def _read_numbers(path: Path, what: str) -> np.ndarray:
    """Read a small table of numbers, two-dimensional."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UnusableScan(f"{what}: too large for a table of directions")
        table = np.loadtxt(path, ndmin=2)
    except FileNotFoundError as error:
        raise UnusableScan(f"{what}: no such file") from error
    except ValueError as error:
        raise UnusableScan(f"{what}: not a table of numbers") from error
    if table.size == 0:
        raise UnusableScan(f"{what}: empty")
    return table
