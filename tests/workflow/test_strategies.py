"""One network for all regions and one for each find the same regions, once they are trained."""

import numpy as np
import pytest
import torch

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.learning.metrics import class_metrics, confusion_matrix
from histoniche.learning.models import choose_device
from histoniche.learning.training import train_segmenter
from histoniche.regions.heads import fused_logits, head_classes, load_heads
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from training_settings import DEFAULTS

PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))]
# A frozen encoder, and half of the patients, make the eight trainings short.
SETTINGS = {
    **DEFAULTS,
    "architecture": "HyperColumns",
    "encoder": "tu-tf_efficientnet_lite0",
    "encoder_weights": "imagenet",
    "encoder_frozen": True,
    "normalisation": "encoder",
    "decoder_channels": 64,
    "dropout": 0.3,
    "loss": ["cross_entropy"],
    "optimiser": "adamw",
    "learning_rate": 0.004,
    "weight_decay": 0.1,
    "batch_size": 8,
    "epochs": 12,
}


@pytest.fixture
def stores(demo):
    """Tiles with labels, by the role of their patient."""
    roles = read_table(demo.results / "cohort" / "split.parquet").set_index("patient")["role"]
    quality = read_table(demo.results / "slides" / "quality.parquet")
    sides = {"train": [], "validation": [], "test": []}
    for slide, patient in zip(quality["slide"], quality["patient"], strict=True):
        folder = demo.results / "tiles" / "region" / f"{slide}.zarr"
        role = roles.get(patient)
        if role in sides and "label" in TileStore(folder):
            sides[role].append(folder)
    return sides


def test_both_strategies_agree_in_patients_that_neither_has_seen(stores, tmp_path):
    regions = [entry["region"] for entry in PALETTE[1:]]
    for head in ("all", *regions):
        train_segmenter(
            {"train": stores["train"][::2], "validation": stores["validation"]},
            tmp_path / head,
            tmp_path / f"{head} state",
            classes=head_classes(head, PALETTE),
            settings=SETTINGS,
            encoder_weights=None,
            origin={},
            seed=0,
            threads=1,
        )
    device = choose_device()
    joint, apart = (
        load_heads({head: [tmp_path / head] for head in heads}, PALETTE, device=device)
        for heads in (["all"], regions)
    )
    matrix = np.zeros((len(PALETTE),) * 2, np.int64)
    for folder in stores["test"]:
        for _, pixels in TileStore(folder).shards("pixels"):
            tiles = torch.from_numpy(pixels).permute(0, 3, 1, 2)
            found = [fused_logits(one, tiles, PALETTE).argmax(1).numpy() for one in (joint, apart)]
            matrix += confusion_matrix(*found, classes=len(PALETTE))
    named = matrix.sum() - matrix[0, 0]
    assert np.trace(matrix[1:, 1:]) / named > 0.8
    assert (class_metrics(matrix)["dice"][1:] > 0.7).all()
