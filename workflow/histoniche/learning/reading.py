"""Reading ahead: tiles of a store in batches on the network's device, each decoded once."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch

from histoniche.slides.store import TileStore

T = TypeVar("T")

# Pixels that a network sees at a time. What a CPU reckons shall stay in its caches.
_PIXELS_A_STEP = {"cpu": 350_000, "cuda": 8_000_000}
# Batches that are read while a GPU reckons.
_AHEAD = 3


class AtOnce(Executor):
    """Does at once what it is given.

    While a CPU reckons with all its cores, a thread beside it only makes them wait
    for one another.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Do it now."""
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def helper(device: torch.device, *, threads: int = 1) -> Executor:
    """Who reads and writes: threads while a GPU reckons, nobody else on a CPU."""
    return AtOnce() if device.type == "cpu" else ThreadPoolExecutor(threads)


def batches(tiles: TileStore, device: torch.device, *, threads: int) -> Iterator[torch.Tensor]:
    """All tiles of a store in their order.

    Parameters
    ----------
    tiles
        The store.
    device
        Where the tiles shall be.
    threads
        That read and decode while a GPU reckons.

    Yields
    ------
    uint8 (n, 3, size, size) in channels_last; n is what suits the device.
    """
    size = int(tiles.attributes["size"])
    step = max(1, _PIXELS_A_STEP[device.type] // size**2)
    starts = deque(range(0, len(tiles), step))
    pinned = device.type == "cuda"

    def read(buffer: np.ndarray, place: int, index: int) -> None:
        buffer[place] = tiles.tile("pixels", index)

    with helper(device, threads=threads) as reader:
        waiting: deque[tuple[torch.Tensor, list[Future[None]]]] = deque()
        while starts or waiting:
            # On a CPU nothing is read ahead, since that would only fill its caches.
            while starts and len(waiting) < (_AHEAD if pinned else 1):
                start = starts.popleft()
                own = range(start, min(start + step, len(tiles)))
                batch = torch.empty((len(own), size, size, 3), dtype=torch.uint8, pin_memory=pinned)
                buffer = batch.numpy()
                waiting.append(
                    (batch, [reader.submit(read, buffer, k, index) for k, index in enumerate(own)])
                )
            batch, parts = waiting.popleft()
            for part in parts:
                part.result()
            yield batch.to(device, non_blocking=True).permute(0, 3, 1, 2)
