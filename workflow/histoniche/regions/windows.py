"""Windows: tiles seen with a halo of their neighbours, and their answers blended into one map."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import torch

from histoniche.slides.store import TileStore

_AROUND = tuple(product((-1, 0, 1), repeat=2))


class Found(NamedTuple):
    """What was found on a tile, all uint8, on the device of the network.

    `label` (size, size) is the most probable label, `confidence` (size, size) its
    probability from 0 to 255, and `probability` (classes, size, size) that of
    every label, or None.
    """

    label: torch.Tensor
    confidence: torch.Tensor
    probability: torch.Tensor | None


class Neighbourhood:
    """Tiles with a halo from their neighbours in the store; white where there is none.

    Parameters
    ----------
    tiles
        The store.
    halo
        Width of the halo in pixels, at most a tile's side.
    """

    def __init__(self, tiles: TileStore, *, halo: int) -> None:
        self._tiles = tiles
        self._halo = halo
        self._size = int(tiles.attributes["size"])
        self.cells = [(int(column), int(row)) for column, row in tiles.column("cell")]
        self._index = {cell: index for index, cell in enumerate(self.cells)}
        # Tiles come row by row, so two rows of them and a little more are read once.
        self._tile = lru_cache(maxsize=3 * int(tiles.attributes["grid"][0]) + 2)(self._read)

    def read(self, index: int) -> np.ndarray:
        """One tile with its halo, uint8 (size + 2 halo, size + 2 halo, 3)."""
        side = self._size + 2 * self._halo
        window = np.full((side, side, 3), 255, np.uint8)
        column, row = self.cells[index]
        for dx, dy in _AROUND:
            neighbour = self._index.get((column + dx, row + dy))
            if neighbour is not None:
                (to_y, from_y), (to_x, from_x) = (self._overlap(d) for d in (dy, dx))
                window[to_y, to_x] = self._tile(neighbour)[from_y, from_x]
        return window

    def _overlap(self, step: int) -> tuple[slice, slice]:
        """Where a neighbour lies along an axis: its place in the window, and the part of it."""
        size, halo = self._size, self._halo
        if step < 0:
            return slice(0, halo), slice(size - halo, size)
        if step > 0:
            return slice(halo + size, None), slice(0, halo)
        return slice(halo, halo + size), slice(0, size)

    def _read(self, index: int) -> np.ndarray:
        """Pixels of one tile."""
        return self._tiles.tile("pixels", index)


class Blender:
    """Puts the probabilities of overlapping windows together, tile by tile and without seams.

    Each window counts fully inside its tile and fades linearly across its border,
    where both neighbours count half, to nothing in the middle of the halo: the
    outer half, where a network sees too little, never counts. Of tiles whose
    neighbours are still to come only the answers and the sums of the rims are
    kept, so that memory grows with the width of the slide and not with its area.

    Parameters
    ----------
    cells
        Column and row of every tile, row by row.
    size, halo
        Side of a tile and width of the halo in pixels; a halo is at most half a tile.
    keep
        Whether the probabilities of all labels are wanted.
    device
        Where the probabilities are.
    """

    def __init__(
        self,
        cells: list[tuple[int, int]],
        *,
        size: int,
        halo: int,
        keep: bool,
        device: torch.device,
    ) -> None:
        self._cells, self._size, self._halo, self._device = cells, size, halo, device
        self._keep = keep
        # Both sides of a border over which two windows fade into one another.
        band = self._band = halo // 2
        self._index = {cell: index for index, cell in enumerate(cells)}
        self._waiting: dict[int, Found] = {}
        self._rims: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._done = 0
        self._seen = -1
        ramp = torch.ones(size + 2 * halo, device=device)
        if band:
            rise = (torch.arange(2 * band, device=device) + 0.5) / (2 * band)
            start = torch.cat([torch.zeros(halo - band, device=device), rise])
            ramp[: len(start)] = start
            ramp[-len(start) :] = start.flip(0)
        self._weight = ramp[:, None] * ramp[None, :]
        rim = torch.ones(size, size, dtype=torch.bool)
        rim[band : size - band, band : size - band] = False
        self._rim = rim.flatten().nonzero()[:, 0].to(device)
        self._shared = {step: self._share(rim, *step) for step in _AROUND} if band else {}

    def add(self, index: int, window: torch.Tensor) -> None:
        """Take up the next window.

        Parameters
        ----------
        index
            Its tile; windows come in the order of the tiles.
        window
            Probabilities, float (classes, size + 2 halo, size + 2 halo).
        """
        size, halo = self._size, self._halo
        tile = window[:, halo : halo + size, halo : halo + size]
        self._waiting[index] = _answers(tile, keep=self._keep)
        self._seen = index
        pixels = window.reshape(len(window), -1)
        column, row = self._cells[index]
        for (dx, dy), (source, target, weight) in self._shared.items():
            neighbour = self._index.get((column + dx, row + dy))
            if neighbour is not None:
                if neighbour not in self._rims:
                    self._rims[neighbour] = self._new_rim(len(window))
                sums, weights = self._rims[neighbour]
                part = pixels.index_select(1, source).mul_(weight)
                if neighbour == index:
                    # All of its own rim, in its own order.
                    sums.add_(part)
                    weights.add_(weight)
                else:
                    sums.index_add_(1, target, part)
                    weights.index_add_(0, target, weight)

    def finished(self, *, last: bool = False) -> Iterator[Found]:
        """Give the tiles, in their order, to which no later window can add.

        Parameters
        ----------
        last
            Whether all windows have been added.
        """
        while self._done in self._waiting and (last or self._complete(self._done)):
            found = self._waiting.pop(self._done)
            if self._band:
                sums, weights = self._rims.pop(self._done)
                rim = _answers(sums / weights, keep=self._keep)
                for whole, part in zip(found, rim, strict=True):
                    if whole is not None and part is not None:
                        whole.view(*whole.shape[:-2], -1)[..., self._rim] = part
            self._done += 1
            yield found

    def _complete(self, index: int) -> bool:
        """Whether all neighbours of a tile have been seen."""
        if self._band == 0:
            return True
        column, row = self._cells[index]
        around = (self._index.get((column + dx, row + dy)) for dx, dy in _AROUND)
        return all(other is None or other <= self._seen for other in around)

    def _new_rim(self, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Sums and weights of a rim that nothing has added to."""
        count = len(self._rim)
        return (
            torch.zeros(classes, count, device=self._device),
            torch.zeros(count, device=self._device),
        )

    def _share(
        self, rim: torch.Tensor, dx: int, dy: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pixels that a window shares with the rim of its neighbour, or of its own tile.

        Places in the window, the same in the list of the rim's pixels, and weights.
        """
        size, halo = self._size, self._halo
        side = size + 2 * halo
        low, high = halo - self._band, halo + size + self._band
        # The neighbour's tile in the window, as far as the window counts there.
        y, x = (torch.arange(size) + halo + d * size for d in (dy, dx))
        inside = ((y >= low) & (y < high))[:, None] & ((x >= low) & (x < high))[None, :] & rim
        target = (rim.flatten().cumsum(0) - 1).view(size, size)[inside]
        source = (y[:, None] * side + x[None, :])[inside]
        weight = self._weight.flatten()[source.to(self._device)]
        return source.to(self._device), target.to(self._device), weight


def _answers(probability: torch.Tensor, *, keep: bool) -> Found:
    """The most probable label of every pixel and its probability, of float32 (classes, ...).

    Of probabilities that differ by less than some millionths the lower label may be taken.
    """
    # The place of the largest number takes ten times as long as the number. So each carries its
    # label in its last bits; as integers, floats that are not negative have the same order.
    last = len(probability) - 1
    bits = (1 << last.bit_length()) - 1
    label = torch.arange(last, -1, -1, dtype=torch.int32, device=probability.device)
    label = label.view(-1, *[1] * (probability.ndim - 1))
    largest = probability.view(torch.int32).bitwise_and(~bits).bitwise_or_(label).amax(0)
    return Found(
        (last - (largest & bits)).to(torch.uint8),
        _as_byte(probability.amax(0)),
        _as_byte(probability) if keep else None,
    )


def _as_byte(probability: torch.Tensor) -> torch.Tensor:
    """Probabilities from 0 to 1 as uint8 from 0 to 255."""
    return (probability * 255).round_().to(torch.uint8)
