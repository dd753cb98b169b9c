"""Features of slides, and labels of slides learned from them, patient by patient."""

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from classifier_settings import FEATURES, MIL, TINY
from histoniche.errors import InputError
from histoniche.learning.classifiers import build_encoder
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table
from histoniche.traits.features import encode_slides
from histoniche.traits.mil import apply_trait_mil, train_trait_mil
from trait_cohort import TILES, write_cohort

SETTINGS = {
    **MIL, "hidden": 16, "attention_units": 8, "epochs": 8, "learning_rate": 0.01,
    "batch_size": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Two rounds of eight patients, each tested in one of them, and their features."""
    folder = tmp_path_factory.mktemp("cohort")
    stores = write_cohort(folder)
    fold = {f"P{n}": n // 4 for n in range(8)}
    rows = []
    for number in range(2):
        others = sorted(name for name, own in fold.items() if own != number)
        roles = {name: "test" for name, own in fold.items() if own == number}
        roles |= dict(zip(others, ["train", "train", "validation", "validation"], strict=True))
        rows += [{"patient": k, "round": number, "role": v} for k, v in roles.items()]
    write_table(pd.DataFrame(rows).astype({"round": "Int64"}), folder / "rounds.parquet")
    torch.manual_seed(0)
    save_file(build_encoder(TINY)[0].state_dict(), folder / "encoder.safetensors")
    features = {slide: folder / "features" / f"{slide}.zarr" for slide in stores}
    settings = {**FEATURES, "encoder": TINY["encoder"], "encoder_weights": "file"}
    encode_slides(
        stores, features, settings={**settings, "normalisation": "imagenet"},
        encoder_weights=folder / "encoder.safetensors", threads=1,
    )  # fmt: skip
    return folder, stores, features


def test_features_lie_in_the_order_of_the_tiles(cohort):
    _, stores, features = cohort
    store = TileStore(features["P0-0"])
    store.check()
    assert store.column("features").shape == (TILES, 96)
    assert store.column("features").dtype == "float16"
    assert store.column("origin").tolist() == TileStore(stores["P0-0"]).column("origin").tolist()
    assert len(store.attributes["encoder_digest"]) == 64


def test_features_of_a_random_network_are_refused(cohort, tmp_path):
    _, stores, _ = cohort
    settings = {**FEATURES, "encoder_weights": None}
    with pytest.raises(InputError, match="the encoder has no weights"):
        encode_slides(
            stores, {slide: tmp_path / slide for slide in stores}, settings=settings,
            encoder_weights=None, threads=1,
        )  # fmt: skip


@pytest.mark.parametrize("bag", ["slide", "patient"])
def test_each_patient_is_judged_by_models_that_have_not_seen_it(cohort, tmp_path, bag):
    folder, stores, features = cohort
    models = [tmp_path / str(number) for number in range(2)]
    for number, out in enumerate(models):
        train_trait_mil(
            features, folder / "labels.parquet", folder / "rounds.parquet",
            out, tmp_path / "state",
            trait="t", round=number, classes=["low", "high"], settings={**SETTINGS, "bag": bag},
            seed=1, threads=1,
        )  # fmt: skip
    patients = {slide: slide.split("-")[0] for slide in stores}
    outs = {slide: tmp_path / "attention" / f"{slide}.zarr" for slide in stores}
    apply_trait_mil(
        features, models, outs, tmp_path / "bags.parquet",
        patients=patients, trait="t", bag=bag, threads=1,
    )  # fmt: skip
    table = read_table(tmp_path / "bags.parquet")
    assert len(table) == 2 * (8 if bag == "patient" else 16)
    assert (table["models"] == 1).all()
    assert not table["seen"].any()
    assert table.groupby("bag")["probability"].sum().to_numpy() == pytest.approx(1)
    high = table[table["class"] == "high"].set_index("patient")["probability"]
    number = high.index.str.slice(1).astype(int)
    assert high[number % 2 == 1].min() > high[number % 2 == 0].max()
    sums = {slide: TileStore(out).column("attention").sum() for slide, out in outs.items()}
    share = pd.Series(sums).groupby(patients if bag == "patient" else lambda slide: slide).sum()
    assert share.to_numpy() == pytest.approx(1, abs=1e-3)
