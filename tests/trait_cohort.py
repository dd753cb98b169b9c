"""A small cohort whose slides are of one colour or the other, with labels and rounds."""

from pathlib import Path

import numpy as np
import pandas as pd

from histoniche.files import whole_folder
from histoniche.slides.store import TileWriter
from histoniche.tables import write_table

COLOURS = {"low": [200, 120, 160], "high": [120, 80, 170]}
SIZE, COLUMNS, TILES = 32, 3, 6


def write_tiles(folder: Path, label: str, seed: int, *, tiles: int = TILES, mpp: float = 0.5):
    """Write a slide's tiles."""
    rng = np.random.default_rng(seed)
    cells = np.array([divmod(n, COLUMNS)[::-1] for n in range(tiles)], np.int32).reshape(-1, 2)
    with whole_folder(folder) as temporary:
        writer = TileWriter(temporary, tiles, {"pixels": (SIZE, SIZE, 3)} if tiles else {})
        for _ in range(tiles):
            noise = rng.normal(0, 25, (SIZE, SIZE, 3))
            writer.append(pixels=(COLOURS[label] + noise).clip(0, 255).astype(np.uint8))
        writer.close(
            {
                "cell": cells,
                "origin": cells * SIZE,
                "tissue": np.linspace(0.25, 1, tiles, dtype=np.float32),
            },
            {
                "slide": folder.stem, "status": "ok", "reason": "", "tiles": tiles, "mpp": mpp,
                "size": SIZE, "scale_to_level0": 1.0, "grid": [COLUMNS, 2],
                "slide_size": [COLUMNS * SIZE, 2 * SIZE],
            },
        )  # fmt: skip


def write_cohort(folder: Path, *, patients: int = 8) -> dict[str, Path]:
    """Write tiles of two slides a patient, the tables labels and rounds; give the stores."""
    stores, rows = {}, []
    for patient in range(patients):
        label = ["low", "high"][patient % 2]
        for section in range(2):
            slide = f"P{patient}-{section}"
            stores[slide] = folder / "tiles" / f"{slide}.zarr"
            write_tiles(stores[slide], label, 10 * patient + section)
            rows.append({"slide": slide, "patient": f"P{patient}", "trait": "t", "class": label,
                         "value": 0.0, "percentile": 0.0, "set": "in", "reason": ""})  # fmt: skip
    write_table(pd.DataFrame(rows), folder / "labels.parquet")
    roles = ["test", "test"] + ["validation"] * 2 + ["train"] * (patients - 4)
    table = pd.DataFrame(
        {
            "patient": [f"P{patient}" for patient in range(patients)],
            "round": [pd.NA, pd.NA] + [0] * (patients - 2),
            "role": roles,
        }
    )
    table["round"] = table["round"].astype("Int64")
    write_table(table, folder / "rounds.parquet")
    return stores
