"""Augmentation of training batches: flips, quarter turns, brightness and colour."""

import torch


def augment(
    pixels: torch.Tensor, labels: torch.Tensor, *, strength: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Change every tile of a batch at random, its labels with it.

    Parameters
    ----------
    pixels
        Float in 0 to 1, (n, 3, size, size).
    labels
        Int64, (n, size, size).
    strength
        0 leaves the batch as it is. Otherwise each tile takes one of the eight
        turns and mirrorings, its brightness and its colour channels are
        scaled by up to this share.
    """
    if strength == 0:
        return pixels, labels
    turns = torch.randint(0, 4, (len(pixels),)).tolist()
    mirrored = (torch.rand(len(pixels)) < 0.5).tolist()
    pixels = torch.stack(
        [_turn(tile, k, flip) for tile, k, flip in zip(pixels, turns, mirrored, strict=True)]
    )
    labels = torch.stack(
        [_turn(tile, k, flip) for tile, k, flip in zip(labels, turns, mirrored, strict=True)]
    )
    brightness = 1 + strength * (2 * torch.rand(len(pixels), 1, 1, 1) - 1)
    colour = 1 + strength / 2 * (2 * torch.rand(len(pixels), 3, 1, 1) - 1)
    factors = (brightness * colour).to(pixels.device)
    return (pixels * factors).clamp(0, 1), labels


def _turn(tile: torch.Tensor, quarters: int, mirror: bool) -> torch.Tensor:
    """Turn a tile by quarters over its last two axes, and mirror it."""
    turned = torch.rot90(tile, quarters, (-2, -1))
    return turned.flip(-1) if mirror else turned
