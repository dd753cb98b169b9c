"""Augmentation of training tiles: places, colours and stains changed at random.

torchvision turns, bends and tints; the jitter of stains and of maps is ours.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from histoniche.cohort.palette import IGNORE

# Optical density of haematoxylin, eosin and DAB in R, G and B (Ruifrok and Johnston 2001).
_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_WHITE = 255


class Augmentation:
    """Changes of one tile and its labels, each with its range and probability.

    Parameters
    ----------
    settings
        The config's block `segmentation.training.augment`.
    crop
        Side of the part of each tile that is cut out at random, in pixels, or
        None for the whole tile.
    background
        Value of what comes into view from beyond the tile.
    """

    def __init__(
        self, settings: Mapping[str, Any], *, crop: int | None, background: float = _WHITE
    ) -> None:
        wanted = {name: one for name, one in settings.items() if one["probability"] > 0}
        steps: list[Any] = [] if crop is None else [v2.RandomCrop(crop)]
        steps += [
            v2.RandomApply(
                [_transform(name, wanted[name], background)], wanted[name]["probability"]
            )
            for name in _ORDER
            if name in wanted
        ]
        self._transform = v2.Compose(steps) if steps else None

    def __call__(
        self, pixels: torch.Tensor, labels: torch.Tensor, *, seed: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Change one tile.

        Parameters
        ----------
        pixels
            uint8, (3, height, width).
        labels
            Int64, (height, width), changed in place but not in colour.
        seed
            What is drawn depends on this alone, in whichever process it is drawn.

        Returns
        -------
        Pixels and labels. What comes into view from beyond the tile is background, white
        unless said otherwise, and labelled 255.
        """
        if self._transform is None:
            return pixels, labels
        image, mask = self._change(seed, tv_tensors.Image(pixels), tv_tensors.Mask(labels[None]))
        return image, mask[0]

    def pixels_alone(self, pixels: torch.Tensor, *, seed: int) -> torch.Tensor:
        """Change what has no labels of its own, all of it in one way: (..., height, width)."""
        if self._transform is None:
            return pixels
        (image,) = self._change(seed, tv_tensors.Image(pixels))
        return image

    def _change(self, seed: int, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Change all inputs in one way."""
        assert self._transform is not None
        with torch.random.fork_rng(devices=[]):
            # `torch.manual_seed` seeds GPUs too, which takes it longer than most changes do.
            torch.default_generator.manual_seed(seed)
            changed = self._transform(*inputs)
        changed = changed if isinstance(changed, tuple) else (changed,)
        return tuple(one.as_subclass(torch.Tensor) for one in changed)


class QuarterTurn(v2.Transform):
    """Turn by 90, 180 or 270 degrees, which costs no sharpness."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw how often to turn."""
        return {"turns": int(torch.randint(1, 4, ()))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Turn pixels or labels."""
        return tv_tensors.wrap(torch.rot90(inpt, params["turns"], (-2, -1)), like=inpt)


class StainJitter(v2.Transform):
    """Make each stain stronger or weaker, as other laboratories and scanners do.

    Parameters
    ----------
    strength
        Each of haematoxylin, eosin and the rest is multiplied by up to 1 +-
        this, and shifted by up to a quarter of it in optical density.

    References
    ----------
    Tellez et al. 2018, IEEE Trans Med Imaging 37:2126.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self._strength = strength
        stains = _STAINS / np.linalg.norm(_STAINS, axis=1, keepdims=True)
        self._to_colours = torch.from_numpy(stains).float()
        self._to_stains = torch.from_numpy(np.linalg.inv(stains)).float()

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw factors and shifts of the three stains."""
        scale, shift = self._strength * (2 * torch.rand(2, 3) - 1)
        return {"scale": 1 + scale, "shift": shift / 4}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Change pixels, uint8; labels stay as they are."""
        if not isinstance(inpt, tv_tensors.Image):
            return inpt
        # One matrix takes optical density to optical density, by way of the stains.
        mixed = self._to_stains @ torch.diag(params["scale"]) @ self._to_colours
        shift = params["shift"] @ self._to_colours
        table = -torch.log((torch.arange(256.0).clamp_min(1)) / _WHITE)
        density = table[inpt.long()].flatten(1)
        changed = mixed.T @ density + shift[:, None]
        pixels = (_WHITE * torch.exp(-changed)).clamp(0, _WHITE).round().to(torch.uint8)
        return tv_tensors.wrap(pixels.view(inpt.shape), like=inpt)


class MapJitter(v2.Transform):
    """Make each map brighter or darker, and of more or less contrast, as other scanners do.

    Parameters
    ----------
    strength
        Each map, of deviation 1, is multiplied by up to 1 +- this and shifted by up to this.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self._strength = strength

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw a factor and a shift of each map, the same in all slices."""
        maps = flat_inputs[0].shape[-3]
        scale, shift = self._strength * (2 * torch.rand(2, maps, 1, 1) - 1)
        return {"scale": 1 + scale, "shift": shift}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Change maps, float (..., maps, height, width)."""
        return tv_tensors.wrap(inpt * params["scale"] + params["shift"], like=inpt)


_TURNS: dict[str, Callable[[], v2.Transform]] = {
    "flip": lambda: v2.RandomHorizontalFlip(1.0),
    "vertical_flip": lambda: v2.RandomVerticalFlip(1.0),
    "quarter_turn": QuarterTurn,
}
_JITTERS: dict[str, Callable[[float], v2.Transform]] = {
    "stain": StainJitter,
    "intensity": MapJitter,
}


def _transform(name: str, settings: Mapping[str, Any], background: float) -> v2.Transform:
    """One change by name, at the strength that the settings give."""
    if name in _TURNS:
        return _TURNS[name]()
    if name in _JITTERS:
        return _JITTERS[name](settings["strength"])
    if name == "affine":
        return v2.RandomAffine(
            degrees=settings["degrees"],
            translate=(settings["shift"], settings["shift"]) if settings["shift"] else None,
            scale=(1 / (1 + settings["scale"]), 1 + settings["scale"]),
            shear=settings["shear"],
            interpolation=v2.InterpolationMode.BILINEAR,
            fill={tv_tensors.Image: background, tv_tensors.Mask: IGNORE},
        )
    # A range of factors where the change shall not be symmetric, as in Truong et al. 2020.
    return v2.ColorJitter(**{name: settings.get("factors") or settings["strength"]})


# Places first, then colours: colours are drawn for what is seen.
_ORDER = (
    "flip",
    "vertical_flip",
    "quarter_turn",
    "affine",
    "stain",
    "intensity",
    "brightness",
    "contrast",
    "saturation",
    "hue",
)
