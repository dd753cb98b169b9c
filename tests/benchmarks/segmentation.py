"""Applying a network to slides, against the same network used plainly: `make bench-segmentation`.

python tests/benchmarks/segmentation.py results/demo results/benchmarks/segmentation.json
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from compare import Row, against, median_seconds, report
from safetensors.torch import load_file

from histoniche.cohort.config import check_config
from histoniche.cohort.palette import find_palette, read_palette
from histoniche.files import read_json, whole_folder
from histoniche.learning.metrics import class_metrics, confusion_matrix
from histoniche.learning.models import choose_device, load_model, normalise, save_model
from histoniche.learning.networks import build_network
from histoniche.regions.application import segment_slides
from histoniche.regions.windows import Neighbourhood
from histoniche.slides.store import TileStore, TileWriter
from histoniche.tables import read_table

SIZE, COLUMNS, ROWS = 512, 6, 12
SLIDE_TILES = 15_000
PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))]
CONFIG = {
    "study": {"name": "bench"},
    "cohort": {"patients": "patients.tsv", "slides": "slides.tsv"},
    "tilings": {"region": {"mpp": 8, "size": SIZE}},
    "segmentation": {"tiling": "region"},
}
SETTINGS = check_config(CONFIG, file="bench")["segmentation"]


def write_tiles(folder: Path) -> None:
    """Write a slide of 72 tiles in many colours, as hard to compress as tissue."""
    rng = np.random.default_rng(0)
    cells = [(column, row) for row in range(ROWS) for column in range(COLUMNS)]
    with whole_folder(folder) as temporary:
        writer = TileWriter(temporary, len(cells), {"pixels": (SIZE, SIZE, 3)})
        for _ in cells:
            coarse = np.kron(rng.integers(60, 220, (32, 32, 3)), np.ones((16, 16, 1)))
            grain = rng.normal(0, 12, (SIZE, SIZE, 3))
            writer.append(pixels=(coarse + grain).clip(0, 255).astype(np.uint8))
        columns = {
            "cell": np.array(cells, np.int32),
            "origin": np.array(cells, np.int32) * SIZE,
            "tissue": np.ones(len(cells), np.float32),
        }
        writer.close(
            columns,
            {
                "slide": "S1", "status": "ok", "reason": "", "tiles": len(cells), "mpp": 8.0,
                "size": SIZE, "scale_to_level0": 1.0, "slide_mpp": 8.0, "grid": [COLUMNS, ROWS],
                "slide_size": [COLUMNS * SIZE, ROWS * SIZE],
            },
        )  # fmt: skip


def write_network(folder: Path) -> None:
    """Write a U-Net with ResNet-34, the default, at random."""
    torch.manual_seed(0)
    training = SETTINGS["training"]
    regions = [entry["region"] for entry in PALETTE]
    description = {
        "classes": regions,
        "settings": training,
        "normalisation": {"mean": [0.6] * 3, "deviation": [0.2] * 3},
        "temperature": 1.0,
        "mpp": 8.0,
    }
    save_model(build_network(training, classes=len(regions)), description, folder)


def plainly(folder: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same network as it is without any care: float32, channels first."""
    description = read_json(folder / "model.json")
    network = build_network(description["settings"], classes=len(description["classes"])).eval()
    network.load_state_dict(load_file(folder / "model.safetensors"))
    network = network.to(choose_device(), memory_format=torch.contiguous_format)

    @torch.inference_mode()
    def logits(pixels: torch.Tensor) -> torch.Tensor:
        normalised = normalise(pixels, description["normalisation"])
        return network(normalised.contiguous())

    return logits


def wait(found: torch.Tensor) -> None:
    """Wait until a GPU is done."""
    if found.is_cuda:
        torch.cuda.synchronize()


def bench_forward(folder: Path, pixels: torch.Tensor) -> list[Row]:
    """The network alone, as we run it and plainly, on tiles in memory."""
    device = choose_device()
    ours, plain = load_model(folder, device=device), plainly(folder)
    batch = pixels[: 12 if device.type == "cuda" else 1].to(device)
    seconds = median_seconds(
        {"ours": lambda: wait(ours.logits(batch)), "plain": lambda: wait(plain(batch))},
        clock=time.perf_counter,
    )
    rate = len(batch) / seconds["ours"]
    note = (
        f"{device.type}, U-Net with ResNet-34, {rate:.1f} windows of {pixels.shape[-1]} px a second"
    )
    return [against("forward, fp32 NCHW", seconds, "plain", 2.8, note)]


def bench_end_to_end(folder: Path, tiles: Path, pixels: torch.Tensor, out: Path) -> list[Row]:
    """Reading, halo, network, blending and writing, against the network alone."""
    device = choose_device()
    model = load_model(folder, device=device)
    batches = pixels.split(12 if device.type == "cuda" else 1)

    def forward() -> None:
        for batch in [*batches, *batches]:
            wait(model.logits(batch.to(device)))

    def ours() -> None:
        # A job loads the network once for several slides.
        segment_slides(
            {"S1": tiles, "S2": tiles},
            {"S1": out / "found", "S2": out / "found2"},
            {"all": [folder]},
            patients={"S1": "P1", "S2": "P2"},
            palette=PALETTE,
            settings=SETTINGS["application"],
            threads=torch.get_num_threads(),
        )

    seconds = median_seconds({"ours": ours, "forward": forward}, clock=time.perf_counter)
    rate = 2 * len(pixels) / seconds["ours"]
    note = f"{rate:.1f} tiles a second, {SLIDE_TILES / rate:.0f} s for {SLIDE_TILES:,} tiles"
    return [against("end to end, forward alone", seconds, "forward", 0.9, note)]


def bench_dice(demo: Path) -> list[Row]:
    """What reckoning in bfloat16 changes on the demo's test slides."""
    split = read_table(demo / "cohort" / "split.parquet").set_index("patient")["role"]
    quality = read_table(demo / "slides" / "quality.parquet")
    device = choose_device()
    ours = load_model(demo / "models" / "all" / "0", device=device)
    plain = plainly(demo / "models" / "all" / "0")
    matrices = {way: np.zeros((len(PALETTE),) * 2, np.int64) for way in ("ours", "plain")}
    for row in quality.itertuples():
        store = TileStore(demo / "tiles" / "region" / f"{row.slide}.zarr")
        if split.get(row.patient) != "test" or "label" not in store:
            continue
        for (_, tiles), (_, labels) in zip(
            store.shards("pixels"), store.shards("label"), strict=True
        ):
            batch = torch.from_numpy(tiles).permute(0, 3, 1, 2).to(device)
            for way, logits in (("ours", ours.logits), ("plain", plain)):
                found = logits(batch).argmax(1).cpu().numpy()
                matrices[way] += confusion_matrix(labels, found, classes=len(PALETTE))
    dice = {way: float(class_metrics(one)["dice"][1:].mean()) for way, one in matrices.items()}
    change = abs(dice["ours"] - dice["plain"])
    note = f"mean Dice of the demo's test slides {dice['ours']:.4f} and {dice['plain']:.4f}"
    # As a ratio: how many times the change would fit into what is allowed.
    return [Row("change of Dice, 0.001 allowed", change, 0.001, 0.001 / max(change, 1e-9), 1, note)]


def main() -> None:
    """Run all comparisons and print them."""
    demo, out = map(Path, sys.argv[1:])
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tiles(folder / "S1.zarr")
        write_network(folder / "all")
        store = TileStore(folder / "S1.zarr")
        neighbourhood = Neighbourhood(store, halo=SETTINGS["application"]["halo_px"])
        windows = np.stack([neighbourhood.read(index) for index in range(len(store))])
        pixels = torch.from_numpy(windows).permute(0, 3, 1, 2)
        rows += bench_forward(folder / "all", pixels)
        rows += bench_end_to_end(folder / "all", folder / "S1.zarr", pixels, folder)
    rows += bench_dice(demo)
    report(rows, out)


if __name__ == "__main__":
    main()
