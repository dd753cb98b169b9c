"""Images of patients for training: some slices each, in several maps, with how long they lived."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch.utils.data import Dataset

from histoniche.errors import InputError
from histoniche.learning.augmentation import Augmentation
from histoniche.learning.data import Draw

# Samples that are kept in memory; others are read again each time.
_SAMPLES_IN_MEMORY = 512
_IMAGES = "images"

Item = tuple[torch.Tensor, float, bool]


class RiskSample(NamedTuple):
    """File of a patient's images, and time until death (event) or the last contact."""

    file: Path
    time: float
    event: bool


class RiskImages(Dataset[Item]):
    """Samples of patients; an item is normalised images, time and event.

    Images are float32 (slices, maps, side, side). Those of a `Draw` are augmented, all slices
    of a patient in one way; those of a plain number are not.

    Parameters
    ----------
    samples
        Of one shape, see `common_shape`.
    normalisation
        Mean and deviation of each map, see `image_statistics`.
    augmentation
        What is changed at random in draws, or None; it sees normalised images.
    """

    def __init__(
        self,
        samples: Sequence[RiskSample],
        normalisation: Mapping[str, Any],
        augmentation: Augmentation | None = None,
    ) -> None:
        self._samples = samples
        self._normalisation = normalisation
        self._augmentation = augmentation
        self._images = lru_cache(maxsize=_SAMPLES_IN_MEMORY)(self._read)

    def __len__(self) -> int:
        """Count the patients."""
        return len(self._samples)

    def __getitem__(self, item: int | Draw) -> Item:
        """Read one sample, and change it if it is drawn for training."""
        number = item.tile if isinstance(item, Draw) else item
        images = self._images(number)
        if isinstance(item, Draw) and self._augmentation is not None:
            images = self._augmentation.pixels_alone(images, seed=item.seed)
        return images, float(self._samples[number].time), bool(self._samples[number].event)

    def _read(self, number: int) -> torch.Tensor:
        """Normalised images of one sample."""
        return normalise_maps(read_images(self._samples[number].file), self._normalisation)


def common_shape(samples: Sequence[RiskSample]) -> tuple[int, ...]:
    """Shape of all samples: slices, maps, side, side.

    Raises
    ------
    InputError
        If a file cannot be read, has no images, or images of another shape than the first.
    """
    shapes = [_shape(sample.file) for sample in samples]
    for sample, shape in zip(samples, shapes, strict=True):
        if shape != shapes[0]:
            raise InputError(
                f"images of shape {list(shape)}, those of {samples[0].file} have {list(shapes[0])}",
                file=sample.file,
                column=_IMAGES,
                remedy="make all samples with the same slices, maps and side",
            )
    return shapes[0]


def read_images(file: Path) -> torch.Tensor:
    """Images of a sample, float32 (slices, maps, side, side), in the maps' own units.

    Raises
    ------
    InputError
        If a value is not finite.
    """
    images = load_file(file)[_IMAGES].float()
    if not bool(images.isfinite().all()):
        raise InputError(
            "images have values that are no finite numbers",
            file=file,
            column=_IMAGES,
            remedy="make the sample anew from a volume without them",
        )
    return images


def image_statistics(samples: Sequence[RiskSample]) -> dict[str, list[float]]:
    """Mean and deviation of each map over all pixels of the training samples."""
    count, total, squares = 0, np.zeros(()), np.zeros(())
    for sample in samples:
        images = read_images(sample.file).double().numpy()
        count += images[:, 0].size
        total = total + images.sum((0, 2, 3))
        squares = squares + (images**2).sum((0, 2, 3))
    mean = total / count
    # A map that is constant tells nothing, and is not blown up.
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-12))
    return {"mean": mean.tolist(), "deviation": deviation.tolist()}


def normalise_maps(images: torch.Tensor, statistics: Mapping[str, Any]) -> torch.Tensor:
    """Bring images (..., maps, side, side) to mean 0 and deviation 1 of the training samples."""
    mean = torch.tensor(statistics["mean"], device=images.device).view(-1, 1, 1)
    deviation = torch.tensor(statistics["deviation"], device=images.device).view(-1, 1, 1)
    return (images - mean) / deviation


def _shape(file: Path) -> tuple[int, ...]:
    """Shape of the images of a sample; nothing but the header is read."""
    try:
        with safe_open(file, "pt") as content:
            shape = tuple(content.get_slice(_IMAGES).get_shape())
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"is no sample of images: {' '.join(str(error).split())[:200]}",
            file=file,
            remedy="name files of samples that were made whole",
        ) from error
    if len(shape) != 4 or shape[2] != shape[3] or 0 in shape:
        raise InputError(
            f"images of shape {list(shape)}, wanted is (slices, maps, side, side)",
            file=file,
            column=_IMAGES,
            remedy="leave out patients without a usable scan",
        )
    return shape
