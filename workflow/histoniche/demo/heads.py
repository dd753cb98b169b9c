"""A head with a tumour, voxel by voxel the eigenvalues of its diffusion tensor."""

from typing import NamedTuple

import numpy as np
import scipy.ndimage
from scipy.spatial.transform import Rotation

GRID = (48, 48, 24)
VOXEL_MM = 2.0
MARGIN_VOXELS = 2
"""Thickness of the tumour's margin in each axial slice."""

_BRAIN = np.array([19.5, 21.5, 11.3])
_TUMOUR = (6.0, 8.5)
_FLATNESS = 0.72
_CORTEX = 0.78
# Mean diffusivity in mm2/s, and its spread, of fluid, grey matter, white matter, tumour, margin.
_MD = {"fluid": 2.9e-3, "grey": 0.85e-3, "white": 0.75e-3, "core": 1.25e-3, "margin": 0.95e-3}
_FA = {"fluid": 0.06, "grey": 0.16, "white": 0.48}
_NOISE = {"fa": 0.035, "md": 0.04e-3}


class Head(NamedTuple):
    """What is drawn of one patient."""

    brain: np.ndarray
    """Boolean, `GRID`."""
    tumour: np.ndarray
    """Boolean, `GRID`."""
    eigenvalues: np.ndarray
    """(3, *GRID): from the largest, mm2/s; 0 outside of the brain."""


def draw_head(
    *, margin_fa: float, core_fa: float, size: float, random: np.random.Generator
) -> Head:
    """Draw a head.

    Parameters
    ----------
    margin_fa, core_fa
        Anisotropy of the tumour at its margin and within.
    size
        Of the tumour among all, 0 to 1.
    """
    depth = _ellipsoid(_BRAIN * random.uniform(0.96, 1.02, 3), np.zeros(3), Rotation.identity())
    brain = depth < 1
    tumour = _draw_tumour(brain, size, random)
    white = _smooth(random, 4) * 0.12
    fa = np.where(depth > _CORTEX, _FA["grey"], _FA["white"] + white)
    md = np.where(depth > _CORTEX, _MD["grey"], _MD["white"] + _smooth(random, 4) * 4e-5)
    fluid = _draw_ventricles()
    fa[fluid], md[fluid] = _FA["fluid"], _MD["fluid"]
    margin = margin_of(tumour)
    fa[tumour], md[tumour] = core_fa, _MD["core"] + 1e-4 * _smooth(random, 2)[tumour]
    fa[margin], md[margin] = margin_fa, _MD["margin"]
    # A scanner blurs by about half a voxel.
    fa, md = (scipy.ndimage.gaussian_filter(values, 0.4) for values in (fa, md))
    fa = np.clip(fa + random.normal(0, _NOISE["fa"], GRID), 0.02, 0.92)
    md = np.clip(md + random.normal(0, _NOISE["md"], GRID), 0.2e-3, 3.2e-3)
    eigenvalues = _eigenvalues(fa, md, random.uniform(0, 0.15, GRID)) * brain
    return Head(brain, tumour, eigenvalues)


def margin_of(tumour: np.ndarray) -> np.ndarray:
    """Voxels of the tumour that lie within `MARGIN_VOXELS` of its edge in their axial slice."""
    margin = np.zeros_like(tumour)
    for number in range(tumour.shape[2]):
        within = scipy.ndimage.distance_transform_edt(tumour[..., number])
        margin[..., number] = tumour[..., number] & (within <= MARGIN_VOXELS)
    return margin


def tensor_maps(eigenvalues: np.ndarray) -> np.ndarray:
    """FA, MD, AD and RD, (4, ...), of eigenvalues (3, ...) from the largest; 0 where all are 0."""
    md = eigenvalues.mean(axis=0)
    spread, power = ((eigenvalues - md) ** 2).sum(axis=0), (eigenvalues**2).sum(axis=0)
    fa = np.sqrt(1.5 * np.divide(spread, power, out=np.zeros_like(power), where=power > 0))
    return np.stack([fa, md, eigenvalues[0], eigenvalues[1:].mean(axis=0)])


def _eigenvalues(fa: np.ndarray, md: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Eigenvalues with some FA and MD, (3, ...); `split` parts the smaller two a little.

    With the smaller two alike, MD (1 + 2t) and MD (1 - t) have FA = 3t / sqrt(3 + 6t²).
    """
    t = fa / np.sqrt(3 - 2 * fa**2)
    small = md * (1 - t)
    apart = split * np.minimum(small, md - small)
    return np.stack([md * (1 + 2 * t), small + apart, small - apart])


def _draw_tumour(brain: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray:
    """A lumpy ellipsoid inside the brain, boolean."""
    low, high = _TUMOUR
    mean = low + (high - low) * size
    radii = mean * random.uniform(0.88, 1.12, 3) * (1, 1, _FLATNESS)
    side = random.choice([-1, 1])
    room = 0.9 * (_BRAIN - radii - 1)
    place = room * (side * random.uniform(0.35, 0.75), *random.uniform(-0.5, 0.5, 2))
    turn = Rotation.from_euler("z", random.uniform(0, np.pi))
    depth = _ellipsoid(radii, place, turn) * (1 + 0.12 * _smooth(random, 3))
    inner = scipy.ndimage.binary_erosion(brain, iterations=1)
    parts, _ = scipy.ndimage.label((depth < 1) & inner)
    return parts == 1 + np.bincount(parts.ravel())[1:].argmax()


def _draw_ventricles() -> np.ndarray:
    """Two narrow chambers of fluid beside the middle, boolean."""
    turn = Rotation.identity()
    sides = [_ellipsoid(np.array([1.6, 7.0, 3.5]), np.array([x, 0, 0.5]), turn) for x in (-3, 3)]
    return np.minimum(*sides) < 1


def draw_axes(random: np.random.Generator) -> np.ndarray:
    """Eigenvectors that turn smoothly through a head, (3, 3, *GRID): component, then which."""
    angles = np.stack([_smooth(random, 6).ravel() for _ in range(3)], axis=-1)
    frames = Rotation.from_euler("xyz", angles).as_matrix()
    return np.moveaxis(frames.reshape(*GRID, 3, 3), (3, 4), (0, 1))


def _ellipsoid(radii: np.ndarray, place: np.ndarray, turn: Rotation) -> np.ndarray:
    """Distance from an ellipsoid's middle, 1 on its surface; `place` in voxels from the grid's."""
    axes = [np.arange(count) - (count - 1) / 2 for count in GRID]
    points = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(3, -1) - place[:, None]
    scaled = (turn.inv().as_matrix() / radii[:, None]) @ points
    return np.sqrt((scaled**2).sum(axis=0)).reshape(GRID)


def _smooth(random: np.random.Generator, width: float) -> np.ndarray:
    """Noise of some width in voxels, of mean 0 and standard deviation 1."""
    noise = scipy.ndimage.gaussian_filter(random.standard_normal(GRID), width)
    return (noise - noise.mean()) / noise.std()
