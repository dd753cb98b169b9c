import numpy as np
import pandas as pd
import pytest

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.files import whole_folder
from histoniche.regions.evaluation import evaluate_segmentation
from histoniche.slides.store import TileWriter
from histoniche.tables import read_table, write_table

PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))][:4]


def store(folder, label):
    with whole_folder(folder) as temporary:
        writer = TileWriter(temporary, 1, {"label": label.shape, "confidence": label.shape})
        # Nine in ten, which is nearly how many are right.
        writer.append(label=label, confidence=np.full(label.shape, 230, np.uint8))
        # Half of what is annotated of region 1 lies outside of the tiles.
        area = np.bincount(label.ravel(), minlength=256)[:4] * 1e-4 * [1, 2, 1, 1]
        facts = {"slide": folder.stem, "status": "ok", "tiles": 1, "mpp": 10.0}
        writer.close({}, {**facts, "annotated_mm2": area.tolist()})
    return folder


@pytest.fixture
def evaluated(tmp_path):
    """Six test slides of five patients, one pixel in eight of region 2 taken for region 3."""
    rng = np.random.default_rng(0)
    tiles, predictions, patients = {}, {}, {}
    for number in range(6):
        slide = f"S{number}"
        truth = rng.choice([0, 1, 2, 3, 255], (64, 64), p=[0.4, 0.2, 0.2, 0.1, 0.1]).astype(
            np.uint8
        )
        found = truth.copy()
        found[(truth == 2) & (rng.random(truth.shape) < 1 / 8)] = 3
        found[truth == 255] = 1
        tiles[slide] = store(tmp_path / f"t{slide}", truth)
        predictions[slide] = store(tmp_path / f"p{slide}", found)
        patients[slide] = f"P{min(number, 4)}"
    split = pd.DataFrame({"patient": sorted(set(patients.values())), "role": "test"})
    write_table(split, tmp_path / "split.parquet")
    outs = {
        f"out_{name}": tmp_path / f"{name}.parquet"
        for name in ("metrics", "confusion", "agreement", "calibration")
    }
    evaluate_segmentation(
        tiles, predictions, tmp_path / "split.parquet",
        patients=patients, palette=PALETTE, seed=0, **outs,
    )  # fmt: skip
    return {name: read_table(path) for name, path in outs.items()}


def test_metrics_are_those_of_the_planted_mistakes(evaluated):
    metrics = evaluated["out_metrics"].set_index("region")
    assert metrics.loc["LE", "iou"] == 1
    assert metrics.loc["IT", "recall"] == pytest.approx(7 / 8, abs=0.02)
    assert metrics.loc["IT", "precision"] == 1
    assert metrics.loc["CT", "recall"] == 1
    assert metrics.loc["mean", "iou"] == pytest.approx(
        metrics.loc[["LE", "IT", "CT"], "iou"].mean()
    )
    row = metrics.loc["IT"]
    assert row["iou_low"] < row["iou"] < row["iou_high"]
    assert row["dice_low"] < row["dice"] < row["dice_high"]
    assert row["recall_low"] < row["recall"] < row["recall_high"]
    assert (row["precision_low"], row["precision_high"]) == (1, 1)
    assert (row["slides"], row["patients"]) == (6, 5)


def test_what_no_tile_covers_is_stated(evaluated):
    metrics = evaluated["out_metrics"].set_index("region")
    assert metrics.loc["LE", "tiled"] == pytest.approx(0.5)
    assert metrics.loc["IT", "tiled"] == pytest.approx(1)
    assert np.isnan(metrics.loc["background", "tiled"])


def test_confusion_counts_every_annotated_pixel_once(evaluated):
    confusion = evaluated["out_confusion"]
    metrics = evaluated["out_metrics"].set_index("region")
    assert confusion["pixels"].sum() == metrics.loc["overall", "pixels"]
    wrong = confusion[(confusion["truth"] != confusion["predicted"]) & (confusion["pixels"] > 0)]
    assert wrong[["truth", "predicted"]].to_numpy().tolist() == [["IT", "CT"]]


def test_agreement_is_by_slide_and_in_square_millimetres(evaluated):
    agreement = evaluated["out_agreement"].set_index("region")
    assert agreement.loc["LE", "pearson_r"] == pytest.approx(1)
    assert agreement.loc["LE", ["slides", "patients"]].tolist() == [6, 5]
    assert agreement.loc["CT", "pearson_low"] <= agreement.loc["CT", "pearson_r"]
    assert agreement.loc["LE", "mean_truth_mm2"] == pytest.approx(0.2 * 64 * 64 * 1e-4, rel=0.1)
    assert agreement.loc["IT", "mean_predicted_mm2"] < agreement.loc["IT", "mean_truth_mm2"]


def test_overall_numbers_have_intervals_and_the_confidence_is_weighed(evaluated):
    overall = evaluated["out_metrics"].set_index("region").loc["overall"]
    right = 1 - 0.2 / 0.9 / 8
    assert overall["accuracy"] == pytest.approx(right, abs=0.01)
    assert overall["calibration_error"] == pytest.approx(right - 230 / 255, abs=0.01)
    dice = evaluated["out_metrics"].set_index("region")["dice"]
    assert overall["macro_f1"] == pytest.approx(dice[["background", "LE", "IT", "CT"]].mean())
    for name in ("accuracy", "macro_f1", "calibration_error"):
        assert overall[f"{name}_low"] < overall[name] < overall[f"{name}_high"]
    bins = evaluated["out_calibration"]
    assert bins["confidence"].tolist() == pytest.approx([230 / 255])
    assert bins["pixels"].sum() == overall["pixels"]
    assert bins["accuracy_low"][0] < right < bins["accuracy_high"][0]
