"""Classifying tiles, against the same networks used plainly: `make bench-traits`.

python tests/benchmarks/traits.py results/benchmarks/traits.json [--most-tiles 4]

On a CPU all is in CPU seconds, but for the time that a slide takes, which is what one waits. Where
there is a GPU, all is done a second time on it, in what one waits.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from compare import Row, Work, against, median_seconds, report
from PIL import Image
from safetensors.torch import load_file, save_file

from histoniche.files import read_json, whole_folder
from histoniche.learning.classifiers import TileClassifier, build_classifier, build_encoder
from histoniche.learning.features import frozen_encoder
from histoniche.learning.joint import JointClassifiers
from histoniche.learning.models import load_model, normalise, save_model
from histoniche.learning.reading import batches
from histoniche.slides.store import TileStore, TileWriter, write_columns
from histoniche.traits.application import classify_slide
from histoniche.traits.features import encode_slide
from histoniche.traits.heat_maps import draw_trait_heat_maps

SLIDE_TILES = 15_000
# The paper's own time for the three heat maps of a slide.
SECONDS_ALLOWED = 600
# Of what a CPU is given, so that a GPU has batches to fill.
MORE_ON_GPU = 20
MIL_TILES = 24
PRESETS_OF_CONFIG = Path(__file__).parents[2] / "config" / "presets"
DEFAULTS = {"encoder_sha256": None, "encoder_options": {}, "tokens": False}
COLOURS = {"mean": [0.6] * 3, "deviation": [0.2] * 3}


class Preset(NamedTuple):
    """A preset's network, the side of its tiles, its traits and how many tiles a CPU is given."""

    encoder: str
    size: int
    classes: dict[str, int]
    tiles: int


PRESETS = {
    "glioblast": Preset("vgg16", 160, {"subtype": 4, "MGMT": 2, "EGFR": 2}, 96),
    "grading": Preset("resnet18", 1024, {"grade": 3}, 12),
    "pathomch": Preset("inception_v3", 512, {"gene": 2}, 16),
}


def attributes(count: int, size: int) -> dict[str, Any]:
    """What a store of tiles in one row says of them."""
    return {
        "slide": "S1", "status": "ok", "reason": "", "tiles": count, "mpp": 0.5, "size": size,
        "scale_to_level0": 1.0, "grid": [count, 1], "slide_mpp": 0.5,
        "slide_size": [count * size, size],
    }  # fmt: skip


def places(cells: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Where tiles stand, by their cells (n, 2)."""
    cells = cells.astype(np.int32)
    return {"cell": cells, "origin": cells * size, "tissue": np.ones(len(cells), np.float32)}


def write_tiles(folder: Path, size: int, count: int) -> TileStore:
    """Write tiles in many colours, as hard to compress as tissue."""
    rng = np.random.default_rng(0)
    with whole_folder(folder) as temporary:
        writer = TileWriter(temporary, count, {"pixels": (size, size, 3)})
        for _ in range(count):
            coarse = np.kron(rng.integers(60, 220, (32, 32, 3)), np.ones((size // 32,) * 2 + (1,)))
            grain = rng.normal(0, 12, (size, size, 3))
            writer.append(pixels=(coarse + grain).clip(0, 255).astype(np.uint8))
        cells = np.stack([np.arange(count), np.zeros(count)], 1)
        writer.close(places(cells, size), attributes(count, size))
    return TileStore(folder)


def draw_network(
    settings: Mapping[str, Any], classes: int, pixels: torch.Tensor, *, seed: int
) -> TileClassifier:
    """A network at random whose normalisations have seen pixels: else answers are of any size."""
    torch.manual_seed(seed)
    network = build_classifier(settings, classes=classes).train()
    for step in network.modules():
        if isinstance(step, torch.nn.BatchNorm2d):
            step.momentum = None
    with torch.no_grad():
        network(normalise(pixels, COLOURS))
    return network.eval()


def write_models(
    folder: Path, preset: Preset, tiles: TileStore, *, shared: bool
) -> dict[str, Path]:
    """Write a network a trait, at random; with `shared` all have the same encoder."""
    folders = {}
    pixels = torch.from_numpy(tiles.tile("pixels", 0).copy()).permute(2, 0, 1)[None]
    settings = {"encoder": preset.encoder, "auxiliary_weight": 0, "dropout": 0}
    for number, (trait, classes) in enumerate(preset.classes.items()):
        description = {
            "task": "classification", "classes": [str(n) for n in range(classes)],
            "settings": settings, "mpp": 0.5, "size": preset.size, "temperature": 1.0,
            "normalisation": COLOURS,
        }  # fmt: skip
        folders[trait] = folder / f"{trait}-{shared}"
        network = draw_network(settings, classes, pixels, seed=0 if shared else number)
        save_model(network, description, folders[trait])
    return folders


def load(folders: Mapping[str, Path], device: torch.device) -> JointClassifiers:
    """Load networks as a job does."""
    return JointClassifiers(
        {
            name: load_model(one, device=device, task="classification")
            for name, one in folders.items()
        }
    )


def plainly(folder: Path, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same network as it is without any care: float32, channels first."""
    description: Any = read_json(folder / "model.json")
    network = build_classifier(description["settings"], classes=len(description["classes"])).eval()
    network.load_state_dict(load_file(folder / "model.safetensors"))
    network = network.to(device, memory_format=torch.contiguous_format)

    @torch.inference_mode()
    def probabilities(pixels: torch.Tensor) -> torch.Tensor:
        return network(normalise(pixels, description["normalisation"]).contiguous()).softmax(1)

    return probabilities


def seconds_on(device: torch.device, works: Mapping[str, Work]) -> dict[str, float]:
    """Median CPU seconds of each piece of work on a CPU; on a GPU, seconds until it is done."""
    if device.type == "cpu":
        return median_seconds(works)

    def until_done(work: Work) -> Work:
        return lambda: (work(), torch.cuda.synchronize())

    waiting = {name: until_done(work) for name, work in works.items()}
    return median_seconds(waiting, clock=time.perf_counter)


def bench_preset(name: str, preset: Preset, folder: Path, device: torch.device) -> list[Row]:
    """One network of a preset: alone against plainly, and end to end against alone."""
    tiles = write_tiles(folder / f"{name}.zarr", preset.size, preset.tiles)
    first = dict(list(write_models(folder / name, preset, tiles, shared=False).items())[:1])
    joint, plain = load(first, device), plainly(*first.values(), device)
    threads = torch.get_num_threads()
    held = [batch.clone() for batch in batches(tiles, device, threads=threads)]

    def forward() -> list[torch.Tensor]:
        return [next(iter(joint.probabilities(batch).values())) for batch in held]

    def without_care() -> list[torch.Tensor]:
        return [plain(batch) for batch in held]

    def end_to_end() -> None:
        classify_slide(tiles, dict.fromkeys(first, folder / "found"), joint, threads=threads)

    change = float((torch.cat(forward()) - torch.cat(without_care())).abs().max())
    assert change < 0.02, f"{name}: probabilities differ by {change}"
    works = {"forward": forward, "plain": without_care, "end": end_to_end}
    seconds = seconds_on(device, works)
    each = f"tiles a second{' of CPU' if device.type == 'cpu' else ''}"
    rate, end = preset.tiles / seconds["forward"], preset.tiles / seconds["end"]
    alone = {"ours": seconds["forward"], "plain": seconds["plain"]}
    whole = {"ours": seconds["end"], "forward": seconds["forward"]}
    what = f"{device.type}, {name}"
    return [
        against(
            f"{what}, network alone, against fp32 NCHW", alone, "plain", 1.5,
            f"{preset.encoder}, {preset.tiles} tiles of {preset.size} px, {rate:.1f} {each}; "
            f"probabilities differ by at most {change:.4f}",
        ),
        against(
            f"{what}, end to end, against network alone", whole, "forward", 0.9, f"{end:.1f} {each}"
        ),
    ]  # fmt: skip


def bench_features(folder: Path, device: torch.device, tiles_count: int) -> list[Row]:
    """The encoder of the preset `mil`: alone against plainly, and end to end against alone."""
    preset = yaml.safe_load((PRESETS_OF_CONFIG / "mil.yaml").read_text())
    size = int(preset["tilings"]["mil"]["size"])
    settings = {**DEFAULTS, **preset["traits"]["features"]}
    tiles = write_tiles(folder / "mil.zarr", size, tiles_count)
    torch.manual_seed(0)
    weights = folder / "encoder.safetensors"
    save_file(build_encoder(settings)[0].state_dict(), weights)
    encoder = frozen_encoder(settings, weights=weights, size=size, device=device)
    plain = build_encoder(settings)[0].eval()
    plain.load_state_dict(load_file(weights))
    plain = plain.to(device)
    threads = torch.get_num_threads()
    held = [batch.clone() for batch in batches(tiles, device, threads=threads)]

    def forward() -> list[torch.Tensor]:
        return [encoder.features(batch) for batch in held]

    @torch.inference_mode()
    def without_care() -> list[torch.Tensor]:
        return [plain(normalise(batch, encoder.normalisation).contiguous()) for batch in held]

    def end_to_end() -> None:
        encode_slide(tiles, folder / "features", encoder, settings=settings, threads=threads)

    ours, theirs = torch.cat(forward()).float(), torch.cat(without_care()).float()
    alike = float(torch.nn.functional.cosine_similarity(ours, theirs).min())
    assert alike > 0.999, f"mil: features are alike by {alike} only"
    seconds = seconds_on(device, {"forward": forward, "plain": without_care, "end": end_to_end})
    each = f"tiles a second{' of CPU' if device.type == 'cpu' else ''}"
    rate, end = len(tiles) / seconds["forward"], len(tiles) / seconds["end"]
    alone = {"ours": seconds["forward"], "plain": seconds["plain"]}
    whole = {"ours": seconds["end"], "forward": seconds["forward"]}
    what = f"{device.type}, mil"
    return [
        against(
            f"{what}, encoder alone, against fp32", alone, "plain", 1.5,
            f"{settings['encoder']}, {len(tiles)} tiles of {size} px, {rate:.1f} {each}; "
            f"cosine similarity of the features at least {alike:.5f}",
        ),
        against(
            f"{what}, end to end, against encoder alone", whole, "forward", 0.9, f"{end:.1f} {each}"
        ),
    ]  # fmt: skip


def bench_traits(folder: Path, device: torch.device, *, shared: bool) -> list[Row]:
    """All traits of a tiling in one pass against one after the other; both say the same."""
    preset = PRESETS["glioblast"]
    tiles = TileStore(folder / "glioblast.zarr")
    folders = write_models(folder / "joint", preset, tiles, shared=shared)
    together = load(folders, device)
    alone = {trait: load({trait: one}, device) for trait, one in folders.items()}
    threads = torch.get_num_threads()
    outs = {way: {trait: folder / way / trait for trait in folders} for way in ("one", "each")}

    def one_pass() -> None:
        classify_slide(tiles, outs["one"], together, threads=threads)

    def one_by_one() -> None:
        for trait, joint in alone.items():
            classify_slide(tiles, {trait: outs["each"][trait]}, joint, threads=threads)

    seconds = seconds_on(device, {"ours": one_pass, "each": one_by_one})
    for trait in folders:
        found = [TileStore(outs[way][trait]).column("probabilities") for way in outs]
        # By one step of float16, in which they are written.
        assert np.allclose(*found, rtol=0, atol=1e-3), f"{trait}: one pass says something else"
    waited = median_seconds({"ours": one_pass}, clock=time.perf_counter)["ours"]
    drawing = seconds_to_draw(folder, preset)
    took = waited / len(tiles) * SLIDE_TILES + drawing
    which = f"{device.type}, three traits, {'one encoder' if shared else 'three encoders'}"
    return [
        against(
            f"{which}, in one pass, against one by one", seconds, "each", 2.5 if shared else 1,
            f"{len(tiles) / waited:.1f} tiles a second for all three, {threads} threads",
        ),
        against(
            f"{which}, heat maps of {SLIDE_TILES:,} tiles, against the paper's 10 min",
            {"ours": took, "paper": float(SECONDS_ALLOWED)}, "paper", 1,
            f"extrapolated from {len(tiles)} tiles, but for the drawing, {drawing:.1f} s",
        ),
    ]  # fmt: skip


def seconds_to_draw(folder: Path, preset: Preset) -> float:
    """Seconds that one waits for the heat maps of a whole slide, once tiles are classified."""
    rng = np.random.default_rng(0)
    columns = 125
    rows = SLIDE_TILES // columns
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
    size = [columns * preset.size, rows * preset.size]
    facts = {**attributes(SLIDE_TILES, preset.size), "slide_size": size, "grid": [columns, rows]}
    found = {trait: folder / "whole" / trait for trait in preset.classes}
    traits = {trait: {"classes": [str(n) for n in range(k)]} for trait, k in preset.classes.items()}
    for trait, classes in preset.classes.items():
        values = rng.dirichlet(np.ones(classes), SLIDE_TILES).astype(np.float16)
        with whole_folder(found[trait]) as temporary:
            write_columns(
                temporary, {**places(cells, preset.size), "probabilities": values}, facts,
                count=SLIDE_TILES,
            )  # fmt: skip
    thumbnail = folder / "thumbnail.png"
    Image.new("RGB", (size[0] // 10, size[1] // 10), "white").save(thumbnail)

    def draw() -> None:
        draw_trait_heat_maps(found, found, thumbnail, folder / "maps.png", traits=traits)

    return median_seconds({"ours": draw}, clock=time.perf_counter)["ours"]


def main() -> None:
    """Run all comparisons and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--most-tiles", type=int, default=SLIDE_TILES, help="of each preset")
    given = parser.parse_args()
    rows: list[Row] = []
    for kind in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        device, more = torch.device(kind), MORE_ON_GPU if kind == "cuda" else 1
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for preset, what in PRESETS.items():
                tiles = min(given.most_tiles, more * what.tiles)
                rows += bench_preset(preset, what._replace(tiles=tiles), folder, device)
            rows += bench_features(folder, device, min(given.most_tiles, more * MIL_TILES))
            for shared in (False, True):
                rows += bench_traits(folder, device, shared=shared)
    report(rows, given.out)


if __name__ == "__main__":
    main()
