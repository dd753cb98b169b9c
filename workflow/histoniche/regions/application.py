"""Application: all heads in one pass over each slide's tiles."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import torch

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.learning.ensembles import Ensemble
from histoniche.learning.models import choose_device
from histoniche.learning.reading import helper
from histoniche.regions.heads import fused_logits, heads_for, load_heads
from histoniche.regions.windows import Blender, Found, Neighbourhood
from histoniche.slides.store import TileStore, TileWriter

# Pixels that a network sees at a time. What a CPU reckons shall stay in its caches.
_PIXELS_A_STEP = {"cpu": 350_000, "cuda": 4_000_000}
# Tiles that wait to be encoded, before the network waits for them.
_WAITING = 64
# Tiles copied from a slide differ from the tiling's resolution by up to 2 %.
_NEAR_ENOUGH = 0.03
_COPIED = (
    "slide",
    "status",
    "reason",
    "mpp",
    "fit_px",
    "size",
    "scale_to_level0",
    "slide_size",
    "slide_mpp",
    "grid",
)


def segment_slides(
    stores: Mapping[str, Path],
    outs: Mapping[str, Path],
    models: Mapping[str, Sequence[Path]],
    *,
    patients: Mapping[str, str],
    palette: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    threads: int,
    slides: Iterable[str] | None = None,
) -> None:
    """Find the regions on every tile of several slides.

    Parameters
    ----------
    stores
        Folders of the tiles, by slide.
    outs
        Folders to write, by slide: stores with `label` (n, size, size), the most
        probable region, and `confidence` (n, size, size), its calibrated
        probability from 0 to 255, and on request `probability` (n, labels, size,
        size) of all. A skipped slide gives an empty store.
    models
        Folders of the models, by head; in each slide those look for regions that have
        not seen its patient, if there are any.
    patients
        Patient of each slide.
    palette
        Mappings with `label` and `region`, background first.
    settings
        The config's block `segmentation.application`.
    threads
        CPU threads.
    slides
        Those that are still to be done, asked for one by one; all by default.
    """
    torch.set_num_threads(threads)
    heads = load_heads(models, palette, device=choose_device())
    for slide in stores if slides is None else slides:
        tiles = TileStore(stores[slide])
        tiles.check()
        _check_resolution(heads, tiles)
        chosen = heads_for(heads, patients[slide])
        _segment(tiles, outs[slide], chosen, palette, settings)
        logging.info("%s: %d tiles", slide, len(tiles))


def _check_resolution(heads: Mapping[str, Ensemble], tiles: TileStore) -> None:
    """A network sees tiles of the resolution that it was trained at."""
    if len(tiles) == 0:
        return
    models = [(head, model) for head, ensemble in heads.items() for model in ensemble.members]
    for head, model in models:
        fitted = model.description.get("fit_px")
        key, unit = ("fit_px", "px a slide") if fitted else ("mpp", "µm per pixel")
        wanted, given = float(model.description[key]), tiles.attributes.get(key)
        if given is None or abs(wanted / float(given) - 1) > _NEAR_ENOUGH:
            raise InputError(
                f"the model was trained at {wanted:g} {unit}, the tiles have {given}",
                column="segmentation.tiling",
                value=head,
                remedy="choose a tiling of the model's resolution",
            )


def _segment(
    tiles: TileStore,
    out: Path,
    heads: Mapping[str, Ensemble],
    palette: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
) -> None:
    """Write the regions of one slide's tiles."""
    attributes = {key: tiles.attributes[key] for key in _COPIED if key in tiles.attributes}
    with whole_folder(out) as folder:
        if len(tiles) == 0:
            TileWriter(folder, 0, {}).close({}, {**attributes, "tiles": 0})
            return
        size = int(tiles.attributes["size"])
        shapes: dict[str, tuple[int, ...]] = {"label": (size, size), "confidence": (size, size)}
        if settings["probabilities"]:
            shapes["probability"] = (len(palette), size, size)
        writer = TileWriter(folder, len(tiles), shapes)
        device = next(iter(heads.values())).device
        with helper(device) as reader, helper(device) as encoder:
            written: deque[Future[None]] = deque()
            for found in _blended(tiles, heads, palette, settings, reader):
                tile = {k: v.cpu().numpy() for k, v in found._asdict().items() if v is not None}
                written.append(encoder.submit(writer.append, **tile))
                if len(written) > _WAITING:
                    written.popleft().result()
            for one in written:
                one.result()
        columns = {name: tiles.column(name) for name in ("origin", "cell", "tissue")}
        how = {"halo_px": settings["halo_px"], "flips": settings["flips"]}
        writer.close(columns, {**attributes, "tiles": len(tiles), "segmentation": how})


@torch.inference_mode()
def _blended(
    tiles: TileStore,
    heads: Mapping[str, Ensemble],
    palette: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    reader: Executor,
) -> Iterator[Found]:
    """What is found on every tile, in order; windows are read ahead."""
    size = int(tiles.attributes["size"])
    halo = min(settings["halo_px"], size // 2)
    neighbourhood = Neighbourhood(tiles, halo=halo)
    device = next(iter(heads.values())).device
    blender = Blender(
        neighbourhood.cells,
        size=size,
        halo=halo,
        keep=settings["probabilities"],
        device=device,
    )
    step = max(1, _PIXELS_A_STEP[device.type] // (size + 2 * halo) ** 2)
    batches = [range(k, min(k + step, len(tiles))) for k in range(0, len(tiles), step)]

    def read(batch: range) -> torch.Tensor:
        return torch.from_numpy(np.stack([neighbourhood.read(index) for index in batch]))

    ahead = reader.submit(read, batches[0])
    for number, batch in enumerate(batches):
        pixels = ahead.result().to(device, non_blocking=True).permute(0, 3, 1, 2)
        if number + 1 < len(batches):
            ahead = reader.submit(read, batches[number + 1])
        windows = _probabilities(pixels, heads, palette, flips=settings["flips"])
        for index, window in zip(batch, windows, strict=True):
            blender.add(index, window)
        yield from blender.finished(last=number + 1 == len(batches))


def _probabilities(
    pixels: torch.Tensor,
    heads: Mapping[str, Ensemble],
    palette: Sequence[Mapping[str, Any]],
    *,
    flips: bool,
) -> torch.Tensor:
    """Probabilities of the regions, float (n, labels, h, w), on request the mean of four flips."""
    if not flips:
        return _softmax(fused_logits(heads, pixels, palette))
    total = torch.zeros(())
    for axes in ([], [-1], [-2], [-1, -2]):
        found = _softmax(fused_logits(heads, pixels.flip(axes), palette))
        total = total + found.flip(axes) / 4
    return total


def _softmax(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities, float (n, labels, h, w)."""
    # With channels last it takes four times as long on a CPU, and so does what follows.
    return logits.contiguous().softmax(1)
