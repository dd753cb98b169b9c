"""A small cohort of scans whose tumours' margin tells how long patients live."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import save_file

from histoniche.cohort.splits import patient_digest
from histoniche.learning.models import save_model
from histoniche.learning.risk_network import build_slice_network
from scan_files import save

GRID, VOXEL = (24, 24, 12), (3.0, 3.0, 4.0)
MAPS = ["FA", "MD"]
TINY = {"slices": 2, "side": 16, "margin": 3}
QUICK = {
    "network": "test_resnet", "epochs": 3, "batch_size": 16, "learning_rate": 0.003,
    "augment": {
        "flip": {"probability": 0}, "affine": {"probability": 0}, "intensity": {"probability": 0}
    },
}  # fmt: skip

_PATIENTS = {
    0: {"train": ["c"], "validation": ["b"]},
    1: {"train": ["a"], "validation": ["c"]},
    2: {"train": ["b"], "validation": ["a"]},
}
SEEN = {
    number: {side: [patient_digest(name) for name in names] for side, names in sides.items()}
    for number, sides in _PATIENTS.items()
}
"""Whom the networks of three folds have seen of the patients a, b and c."""


def outcomes(count: int, *, seed: int = 0, shuffled: bool = False) -> pd.DataFrame:
    """Patients with a hazard, and times that follow it unless they are shuffled."""
    rng = np.random.default_rng(seed)
    hazard = rng.permutation(np.linspace(-1.5, 1.5, count))
    death = rng.exponential(400 * np.exp(-1.5 * hazard)) + 1
    end = rng.uniform(300, 1500, count)
    table = pd.DataFrame(
        {
            "patient": [f"P{k:03d}" for k in range(count)],
            "hazard": hazard,
            "time": np.minimum(death, end).round() + 1,
            "event": (death <= end).astype(int),
        }
    )
    if shuffled:
        table[["time", "event"]] = table[["time", "event"]].to_numpy()[rng.permutation(count)]
    return table


def draw_tumour(
    hazard: float, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Maps and mask; the higher the hazard, the higher FA at the margin."""
    places = np.stack(np.indices(GRID), axis=-1) * VOXEL
    middle = np.array(GRID) * VOXEL / 2 + rng.uniform(-3, 3, 3)
    far = np.linalg.norm(places - middle, axis=-1)
    radius = rng.uniform(13, 16)
    brain = np.zeros(GRID, bool)
    brain[1:-1, 1:-1, 1:-1] = True
    fa = 0.35 + rng.normal(0, 0.03, GRID)
    fa += (np.abs(far - radius) < 4) * 0.1 * hazard
    md = 0.9e-3 + rng.normal(0, 0.05e-3, GRID)
    maps = {"FA": np.where(brain, fa.clip(0.02, 0.98), 0), "MD": np.where(brain, md, 0)}
    return maps, (far < radius).astype(np.uint8)


def write_scans(folder: Path, table: pd.DataFrame, *, seed: int = 0) -> None:
    """Write volumes of each patient, and both sheets; cohorts are the table's, if it has any."""
    folder.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*VOXEL, 1.0])
    rows = []
    for place, row in enumerate(table.to_dict("records")):
        maps, tumour = draw_tumour(row["hazard"], np.random.default_rng([seed, place]))
        files = {name: f"{row['patient']}_{name}.nii" for name in maps}
        for name, values in maps.items():
            save(values.astype(np.float32), folder / files[name], affine)
        files["mask"] = f"{row['patient']}_mask.nii"
        save(tumour, folder / files["mask"], affine)
        rows.append({"patient": row["patient"], "cohort": row.get("cohort"), **files})
    pd.DataFrame(rows).dropna(axis=1, how="all").to_csv(folder / "scans.tsv", sep="\t", index=False)
    sheet = table[["patient", "time", "event"]]
    sheet.to_csv(folder / "patients.tsv", sep="\t", index=False)


def write_samples(folder: Path, table: pd.DataFrame, *, side: int = 16, slices: int = 2,
                  bad: tuple[str, ...] = (), seed: int = 0) -> dict[str, Path]:  # fmt: skip
    """Write samples of FA and MD as the preparation leaves them: FA at the margin is the hazard."""
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    far = np.hypot(rows, columns)
    samples = {}
    for place, row in enumerate(table.to_dict("records")):
        rng = np.random.default_rng([seed, place])
        radius = side * rng.uniform(0.3, 0.36)
        count = 0 if row["patient"] in bad else slices
        images = rng.normal(0, 0.05, (count, 2, side, side)).astype(np.float32) + 0.5
        images[:, 0] += (np.abs(far - radius) < side / 16) * 0.2 * row["hazard"]
        tumour = np.repeat((far < radius)[np.newaxis], count, axis=0)
        samples[row["patient"]] = folder / row["patient"] / "sample.safetensors"
        samples[row["patient"]].parent.mkdir(parents=True)
        tensors = {
            "images": images.astype(np.float32),
            "tumour": tumour.astype(np.uint8),
            "axial": np.arange(count, dtype=np.int32),
            "pixel_mm": np.array([2.0]),
        }
        save_file(tensors, samples[row["patient"]])
    return samples


def write_judged(folder):
    """Write samples of patients a to d, that of c unusable, and the networks of `SEEN`."""
    table = outcomes(4)
    table["patient"] = ["a", "b", "c", "d"]
    samples = write_samples(folder / "scans", table, bad=("c",))
    models = {
        number: write_model(folder / "models" / str(number), seen, seed=number)
        for number, seen in SEEN.items()
    }
    return samples, models


def write_model(folder, seen, *, seed=0, mean=0.3, maps=MAPS):
    """Write a network that nobody trained, for samples of two slices of 16 px."""
    torch.manual_seed(seed)
    settings = {"network": "test_resnet", "network_options": {}, "depth": None, "dropout": 0.0}
    network = build_slice_network(settings, maps=len(maps))
    description = {
        "task": "risk", "shape": [2, 2, 16, 16], "settings": settings, "maps": maps,
        "normalisation": {"mean": [0.5, 0.5], "deviation": [0.1, 0.1]},
        "mean_log_hazard": mean, "patients_sha256": seen,
    }  # fmt: skip
    save_model(network.eval(), description, folder)
    return folder
