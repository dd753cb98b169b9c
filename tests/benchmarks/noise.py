"""What wrong labels cost, and what each remedy brings back, on the demo, whose truth is known.

In the training and validation patients whole patches of a region get the name of another region,
as a decision forest errs. The test patients keep the truth. Run by `make bench-noise`.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy import ndimage

from histoniche.cohort.config import check_config
from histoniche.cohort.palette import find_palette, read_palette
from histoniche.files import read_json, whole_folder, write_json
from histoniche.learning.metrics import accuracy, class_metrics, confusion_matrix
from histoniche.learning.models import choose_device, load_model
from histoniche.learning.training import train_segmenter
from histoniche.regions.heads import head_classes
from histoniche.slides.store import TileStore, TileWriter
from histoniche.tables import read_table

PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))]
SHARES = (0.0, 0.2, 0.4)
REMEDIES: dict[str, dict[str, Any]] = {
    "cross-entropy": {"loss": ["cross_entropy"]},
    "label smoothing 0.1": {"loss": ["cross_entropy"], "label_smoothing": 0.1},
    "generalised cross-entropy": {"loss": ["generalised_cross_entropy"]},
    "averaged weights": {"loss": ["cross_entropy"], "weight_average": 0.99},
}


def settings_of(checkout: Path) -> dict[str, Any]:
    """Training settings of the preset modern, but short and for the demo's tiles."""
    preset = yaml.safe_load((checkout / "config" / "presets" / "modern.yaml").read_text())
    study = {"study": {"name": "bench"}, "cohort": {"patients": "p.tsv", "slides": "s.tsv"}}
    training = check_config({**preset, **study}, file="modern.yaml")["segmentation"]["training"]
    return {**training, "scales": [1, 2], "epochs": 5, "batch_size": 16, "class_balance": 0.0}


def with_wrong_labels(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A tile in which some patches of regions have the name of another region."""
    wrong = labels.copy()
    regions = np.arange(1, len(PALETTE))
    for region in np.intersect1d(labels, regions):
        patches, count = ndimage.label(labels == region)
        for patch in range(1, count + 1):
            if rng.random() < share:
                wrong[patches == patch] = rng.choice(regions[regions != region])
    return wrong


def write_wrong(source: Path, out: Path, share: float, rng: np.random.Generator) -> None:
    """Copy a store with wrong labels."""
    store = TileStore(source)
    size = int(store.attributes["size"])
    with whole_folder(out) as folder:
        shapes = {"pixels": (size, size, 3), "label": (size, size)}
        writer = TileWriter(folder, len(store), shapes)
        for index in range(len(store)):
            labels = with_wrong_labels(store.tile("label", index), share, rng)
            writer.append(pixels=store.tile("pixels", index), label=labels)
        kept = {key: store.attributes[key] for key in ("slide", "status", "reason", "mpp", "size")}
        writer.close({}, {**kept, "tiles": len(store)})


def score(model: Path, stores: list[Path]) -> dict[str, float]:
    """Accuracy and mean IoU of a network on stores with true labels."""
    network = load_model(model, device=choose_device())
    matrix = np.zeros((len(PALETTE),) * 2, np.int64)
    for folder in stores:
        store = TileStore(folder)
        for (_, pixels), (_, labels) in zip(
            store.shards("pixels"), store.shards("label"), strict=True
        ):
            found = network.logits(torch.from_numpy(pixels).permute(0, 3, 1, 2)).argmax(1)
            matrix += confusion_matrix(labels, found.numpy(), classes=len(PALETTE))
    iou = float(class_metrics(matrix)["iou"][1:].mean())
    return {"accuracy": float(accuracy(matrix)), "mean_iou": iou}


def labelled(demo: Path) -> dict[str, list[Path]]:
    """Stores with labels, by the role of their patient."""
    roles = read_table(demo / "cohort" / "split.parquet").set_index("patient")["role"]
    quality = read_table(demo / "slides" / "quality.parquet")
    sides: dict[str, list[Path]] = {"train": [], "validation": [], "test": []}
    for slide, patient in zip(quality["slide"], quality["patient"], strict=True):
        folder = demo / "tiles" / "region" / f"{slide}.zarr"
        if roles.get(patient) in sides and "label" in TileStore(folder):
            sides[roles[patient]].append(folder)
    return sides


def main() -> None:
    """Train with each share of wrong labels and each remedy; print the scores of test patients."""
    checkout, demo, out = map(Path, sys.argv[1:])
    settings, sides = settings_of(checkout), labelled(demo)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for share in SHARES:
            wrong: dict[str, list[Path]] = {"train": [], "validation": []}
            rng = np.random.default_rng(0)
            for side, folders in wrong.items():
                for source in sides[side]:
                    folders.append(scratch / f"{share:g}" / source.name)
                    write_wrong(source, folders[-1], share, rng)
            for remedy, changes in track(REMEDIES.items(), f"{100 * share:.0f} % wrong"):
                model = scratch / "model"
                train_segmenter(
                    wrong,
                    model,
                    scratch / "state",
                    classes=head_classes("all", PALETTE),
                    settings={**settings, **changes},
                    encoder_weights=None,
                    origin={},
                    seed=0,
                    threads=torch.get_num_threads(),
                )
                epochs = read_json(model / "model.json")["kept"]["epoch"]
                rows.append(
                    {"share": share, "remedy": remedy, "epoch": epochs}
                    | score(model, sides["test"])
                )
    table = Table("patches wrong", "remedy", "accuracy", "mean IoU")
    for row in rows:
        table.add_row(
            f"{row['share']:.0%}",
            row["remedy"],
            f"{row['accuracy']:.3f}",
            f"{row['mean_iou']:.3f}",
        )
    Console().print(table)
    write_json(rows, out)


if __name__ == "__main__":
    main()
