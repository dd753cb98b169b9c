"""Classifying tiles, against the same networks used plainly: `make bench-traits`.

python tests/benchmarks/bench_traits.py results/benchmarks/traits.json
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from compare import Row, against, median_seconds, report
from safetensors.torch import load_file

from histoniche.files import read_json, whole_folder
from histoniche.learning.classifiers import build_classifier
from histoniche.learning.joint import JointClassifiers
from histoniche.learning.models import choose_device, load_model, normalise, save_model
from histoniche.learning.reading import batches
from histoniche.slides.store import TileStore, TileWriter
from histoniche.traits.application import classify_slide

SLIDE_TILES = 15_000
# The paper's own time for the three heat maps of a slide.
SECONDS_ALLOWED = 600


class Preset(NamedTuple):
    """A preset's network, the side of its tiles, its traits and how many tiles are tried."""

    encoder: str
    size: int
    classes: dict[str, int]
    tiles: int


PRESETS = {
    "glioblast": Preset("vgg16", 160, {"subtype": 4, "MGMT": 2, "EGFR": 2}, 96),
    "grading": Preset("resnet18", 1024, {"grade": 3}, 12),
    "pathomch": Preset("inception_v3", 512, {"gene": 2}, 16),
}


def write_tiles(folder: Path, size: int, count: int) -> TileStore:
    """Write tiles in many colours, as hard to compress as tissue."""
    rng = np.random.default_rng(0)
    with whole_folder(folder) as temporary:
        writer = TileWriter(temporary, count, {"pixels": (size, size, 3)})
        for _ in range(count):
            coarse = np.kron(rng.integers(60, 220, (32, 32, 3)), np.ones((size // 32,) * 2 + (1,)))
            grain = rng.normal(0, 12, (size, size, 3))
            writer.append(pixels=(coarse + grain).clip(0, 255).astype(np.uint8))
        cells = np.stack([np.arange(count), np.zeros(count)], 1).astype(np.int32)
        writer.close(
            {"cell": cells, "origin": cells * size, "tissue": np.ones(count, np.float32)},
            {
                "slide": "S1", "status": "ok", "reason": "", "tiles": count, "mpp": 0.5,
                "size": size, "scale_to_level0": 1.0, "grid": [count, 1],
            },
        )  # fmt: skip
    return TileStore(folder)


def write_models(folder: Path, preset: Preset, *, shared: bool) -> dict[str, Path]:
    """Write a network a trait, at random; with `shared` all have the same encoder."""
    folders = {}
    for number, (trait, classes) in enumerate(preset.classes.items()):
        torch.manual_seed(0)
        settings = {"encoder": preset.encoder, "auxiliary_weight": 0, "dropout": 0}
        network = build_classifier(settings, classes=classes)
        if not shared:
            torch.manual_seed(number)
            network = build_classifier(settings, classes=classes)
        description = {
            "task": "classification", "classes": [str(n) for n in range(classes)],
            "settings": settings, "mpp": 0.5, "size": preset.size, "temperature": 1.0,
            "normalisation": {"mean": [0.6] * 3, "deviation": [0.2] * 3},
        }  # fmt: skip
        folders[trait] = folder / f"{trait}-{shared}"
        save_model(network, description, folders[trait])
    return folders


def load(folders: dict[str, Path]) -> JointClassifiers:
    """Load networks as a job does."""
    device = choose_device()
    return JointClassifiers(
        {
            name: load_model(one, device=device, task="classification")
            for name, one in folders.items()
        }
    )


def plainly(folder: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same network as it is without any care: float32, channels first."""
    description: Any = read_json(folder / "model.json")
    network = build_classifier(description["settings"], classes=len(description["classes"])).eval()
    network.load_state_dict(load_file(folder / "model.safetensors"))
    network = network.to(choose_device(), memory_format=torch.contiguous_format)

    @torch.inference_mode()
    def probabilities(pixels: torch.Tensor) -> torch.Tensor:
        return network(normalise(pixels, description["normalisation"]).contiguous()).softmax(1)

    return probabilities


def wait() -> None:
    """Wait until a GPU is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def bench_preset(name: str, preset: Preset, folder: Path) -> list[Row]:
    """One network of a preset: alone against plainly, and end to end against alone."""
    tiles = write_tiles(folder / f"{name}.zarr", preset.size, preset.tiles)
    first = dict(list(write_models(folder / name, preset, shared=False).items())[:1])
    joint, plain = load(first), plainly(*first.values())
    device = choose_device()
    threads = torch.get_num_threads()
    held = [batch.clone() for batch in batches(tiles, device, threads=threads)]

    def forward() -> None:
        for batch in held:
            joint.probabilities(batch)
        wait()

    def without_care() -> None:
        for batch in held:
            plain(batch)
        wait()

    def end_to_end() -> None:
        classify_slide(tiles, dict.fromkeys(first, folder / "found"), joint, threads=threads)

    ours = torch.cat([next(iter(joint.probabilities(batch).values())) for batch in held])
    theirs = torch.cat([plain(batch) for batch in held])
    change = float((ours - theirs).abs().max())
    assert change < 0.02, f"{name}: probabilities differ by {change}"
    seconds = median_seconds(
        {"forward": forward, "plain": without_care, "end": end_to_end}, clock=time.perf_counter
    )
    rate, end = preset.tiles / seconds["forward"], preset.tiles / seconds["end"]
    what = f"{device.type}, {preset.encoder} on {preset.size} px"
    alone = {"ours": seconds["forward"], "plain": seconds["plain"]}
    whole = {"ours": seconds["end"], "forward": seconds["forward"]}
    return [
        against(
            f"{name}, fp32 NCHW", alone, "plain", 1.5,
            f"{what}: {rate:.1f} tiles a second; probabilities differ by at most {change:.4f}",
        ),
        against(f"{name}, forward alone", whole, "forward", 0.9, f"{end:.1f} tiles a second"),
    ]  # fmt: skip


def bench_traits(folder: Path, *, shared: bool) -> list[Row]:
    """All traits of a tiling in one pass against one after the other; both say the same."""
    preset = PRESETS["glioblast"]
    tiles = TileStore(folder / "glioblast.zarr")
    folders = write_models(folder / "joint", preset, shared=shared)
    together = load(folders)
    alone = {trait: load({trait: one}) for trait, one in folders.items()}
    threads = torch.get_num_threads()
    outs = {way: {trait: folder / way / trait for trait in folders} for way in ("one", "each")}

    def one_pass() -> None:
        classify_slide(tiles, outs["one"], together, threads=threads)

    def one_by_one() -> None:
        for trait, joint in alone.items():
            classify_slide(tiles, {trait: outs["each"][trait]}, joint, threads=threads)

    seconds = median_seconds({"ours": one_pass, "each": one_by_one}, clock=time.perf_counter)
    for trait in folders:
        found = [TileStore(outs[way][trait]).column("probabilities") for way in outs]
        assert np.array_equal(*found), f"{trait}: one pass says something else"
    rate = len(tiles) / seconds["ours"]
    took = SLIDE_TILES / rate
    which = "one encoder" if shared else "three encoders"
    note = f"{rate:.1f} tiles a second for all three"
    allowed = {"ours": took, "paper": float(SECONDS_ALLOWED)}
    return [
        against(f"three traits, {which}, one by one", seconds, "each", 2.5 if shared else 1, note),
        against(
            f"three heat maps, {which}, the paper's 10 min", allowed, "paper", 1,
            f"for {SLIDE_TILES:,} tiles, from {len(tiles)}",
        ),
    ]  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Run all comparisons and print them."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for preset, what in PRESETS.items():
            rows += bench_preset(preset, what, folder)
        for shared in (False, True):
            rows += bench_traits(folder, shared=shared)
    report(rows, Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
