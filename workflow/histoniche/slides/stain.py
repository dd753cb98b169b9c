"""Stain normalisation: a slide's colours brought to those of a reference.

The stains are estimated once a slide, not once a tile, so that tiles keep their
relation to each other; a tile of necrosis alone stays pale.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image
from torchstain.numpy.normalizers.macenko import NumpyMacenkoNormalizer
from torchstain.numpy.normalizers.reinhard import NumpyReinhardNormalizer
from torchstain.numpy.utils.lab2rgb import lab2rgb
from torchstain.numpy.utils.rgb2lab import rgb2lab
from torchstain.numpy.utils.split import lab_merge, lab_split

from histoniche.errors import InputError, UnusableSlide
from histoniche.files import sha256

_LIGHT = 240
_LARGEST_PX = 2048
# Paler in any channel is glass to the method (optical density 0.15).
_PALE, _FEWEST = 205, 500
# Stain vectors of a few degrees' difference amplify noise by this much.
_ALIKE = 40


class StainTransform(Protocol):
    """How the pixels of one slide are changed."""

    def apply(self, tile: np.ndarray) -> np.ndarray:
        """Normalise a tile, uint8 (height, width, 3)."""

    def describe(self) -> dict[str, Any]:
        """What was estimated, for the tiles' attributes."""


class Macenko:
    """Optical density split into two stains, scaled and mixed as in the reference.

    Parameters
    ----------
    sample
        Tissue of the slide, uint8 (height, width, 3).
    reference
        Tissue that looks as wanted; None for the stains that the method's
        authors publish.

    References
    ----------
    Macenko et al. 2009, IEEE ISBI:1107; estimation by torchstain.
    """

    def __init__(self, sample: np.ndarray, reference: np.ndarray | None) -> None:
        if not _tells_stains(sample):
            raise UnusableSlide("its stains cannot be told apart; too few pixels are stained")
        if reference is not None and not _tells_stains(reference):
            raise InputError(
                "too few of its pixels are stained",
                column="stain.reference",
                remedy="name a picture of stained tissue",
            )
        own, wanted = NumpyMacenkoNormalizer(), NumpyMacenkoNormalizer()
        own.fit(sample)
        if reference is not None:
            wanted.fit(reference)
        if np.linalg.cond(own.HERef) > _ALIKE:
            raise UnusableSlide("its stains cannot be told apart; the tissue has one colour")
        self._own, self._wanted = own, wanted
        self._split = np.linalg.pinv(own.HERef)
        self._mix = wanted.HERef * (wanted.maxCRef / own.maxCRef)

    def apply(self, tile: np.ndarray) -> np.ndarray:
        """Normalise a tile; see `StainTransform`."""
        density = -np.log((tile.reshape(-1, 3).astype(float) + 1) / _LIGHT)
        mixed = _LIGHT * np.exp(-(density @ self._split.T) @ self._mix.T)
        return np.minimum(mixed, 255).astype(np.uint8).reshape(tile.shape)

    def describe(self) -> dict[str, Any]:
        """Stain vectors and 99th percentiles of their concentrations."""
        return {
            "stains": self._own.HERef.tolist(),
            "concentrations": self._own.maxCRef.tolist(),
            "reference_stains": self._wanted.HERef.tolist(),
            "reference_concentrations": self._wanted.maxCRef.tolist(),
        }


class Reinhard:
    """Mean and deviation of each channel of L*a*b* brought to those of the reference.

    Parameters
    ----------
    sample, reference
        Tissue of the slide, and tissue that looks as wanted.

    References
    ----------
    Reinhard et al. 2001, IEEE Comput Graph Appl 21:34; statistics by torchstain.
    """

    def __init__(self, sample: np.ndarray, reference: np.ndarray) -> None:
        own, wanted = NumpyReinhardNormalizer(), NumpyReinhardNormalizer()
        own.fit(sample)
        wanted.fit(reference)
        if (own.target_stds < 1e-6).any():
            raise UnusableSlide("its tissue has one colour only, which cannot be normalised")
        self._means, self._deviations = own.target_means, own.target_stds
        self._wanted_means, self._wanted_deviations = wanted.target_means, wanted.target_stds

    def apply(self, tile: np.ndarray) -> np.ndarray:
        """Normalise a tile; see `StainTransform`."""
        lab = np.stack(lab_split(rgb2lab(tile.astype(np.float32) / 255)), axis=-1)
        shape = (1, 1, 3)
        scaled = (lab - self._means.reshape(shape)) / self._deviations.reshape(shape)
        moved = scaled * self._wanted_deviations.reshape(shape) + self._wanted_means.reshape(shape)
        channels = np.moveaxis(moved.astype(np.float32), -1, 0)
        return (lab2rgb(lab_merge(*channels)) * 255).astype(np.uint8)

    def describe(self) -> dict[str, Any]:
        """Means and deviations in L*a*b*."""
        return {
            "means": np.ravel(self._means).tolist(),
            "deviations": np.ravel(self._deviations).tolist(),
            "reference_means": np.ravel(self._wanted_means).tolist(),
            "reference_deviations": np.ravel(self._wanted_deviations).tolist(),
        }


def fit_stain(method: str, tiles: Sequence[np.ndarray], reference: Path | None) -> StainTransform:
    """Fit a slide's normalisation.

    Parameters
    ----------
    method
        `macenko` or `reinhard`.
    tiles
        Tiles of the slide with much tissue.
    reference
        Picture of tissue that looks as wanted; Macenko's method does without.

    Raises
    ------
    InputError
        If the reference is no picture.
    UnusableSlide
        If the slide's stains cannot be estimated.
    """
    sample = np.concatenate([tile.reshape(-1, 1, 3) for tile in tiles])
    wanted = None if reference is None else _read_reference(reference)
    if method == "macenko":
        return Macenko(sample, wanted)
    if wanted is None:
        raise InputError("needs a reference", column="stain", value=method, remedy="name a picture")
    return Reinhard(sample, wanted)


def describe_stain(
    method: str, transform: StainTransform, reference: Path | None
) -> dict[str, Any]:
    """What was done to a slide's colours, with the reference by name and digest."""
    named = None if reference is None else {"name": reference.name, "sha256": sha256(reference)}
    return {"method": method, "reference": named, **transform.describe()}


def _tells_stains(pixels: np.ndarray) -> bool:
    """Whether enough pixels are stained to estimate stains from."""
    return bool((pixels < _PALE).all(-1).sum() >= _FEWEST)


def _read_reference(path: Path) -> np.ndarray:
    """Pixels of the reference, uint8 (height, width, 3)."""
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            "not a picture", file=path, column="stain", remedy="save it as PNG or JPEG"
        ) from error
    picture.thumbnail((_LARGEST_PX, _LARGEST_PX))
    return np.asarray(picture)
