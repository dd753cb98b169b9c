"""Features of slides, and labels of slides learned from them, patient by patient."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from classifier_settings import FEATURES, MIL, TINY
from histoniche.errors import InputError
from histoniche.learning.classifiers import build_encoder
from histoniche.learning.mil import load_bag_model
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table
from histoniche.traits.features import encode_slides
from histoniche.traits.mil import train_trait_mil
from histoniche.traits.mil_scoring import score_trait_mil
from histoniche.traits.trait_evaluation import evaluate_trait
from trait_cohort import TILES, write_cohort

SETTINGS = {
    **MIL, "hidden": 16, "attention_units": 8, "epochs": 8, "learning_rate": 0.01,
    "batch_size": 4,
}  # fmt: skip
SCORING = {"score": "mean", "best": 3, "slide_threshold": "youden", "patient": "dx1"}
CLASSES = ["low", "high"]


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


@pytest.fixture(scope="module")
def models(cohort, tmp_path_factory):
    """Models of both rounds by kind of bag."""
    folder, _, features = cohort
    out = tmp_path_factory.mktemp("models")
    found = {bag: {k: out / bag / str(k) for k in range(2)} for bag in ("slide", "patient")}
    for bag, own in found.items():
        for number, model in own.items():
            train_trait_mil(
                features, folder / "labels.parquet", folder / "rounds.parquet",
                model, out / "state",
                trait="t", round=number, classes=CLASSES, settings={**SETTINGS, "bag": bag},
                seed=1, threads=1,
            )  # fmt: skip
    return found


def score(cohort, models, out, bag, **changes):
    folder, stores, features = cohort
    files = {"labels": folder / "labels.parquet", "rounds": folder / "rounds.parquet"}
    outs = {slide: out / "attention" / f"{slide}.zarr" for slide in stores}
    options = {"trait": "t", "classes": CLASSES, "settings": SCORING, "bag": bag, "threads": 1}
    score_trait_mil(
        features, models, scores=out / "scores.parquet", choice=out / "choice.parquet",
        outs=outs, patients={slide: slide.split("-")[0] for slide in stores},
        **{**files, **options, **changes},
    )  # fmt: skip
    tables = [read_table(out / f"{name}.parquet") for name in ("scores", "choice")]
    return *tables, {slide: TileStore(path) for slide, path in outs.items()}


@pytest.mark.parametrize("bag", ["slide", "patient"])
def test_each_round_scores_each_bag_and_the_ensemble_is_their_mean(cohort, models, tmp_path, bag):
    scores, choice, _ = score(cohort, models[bag], tmp_path, bag)
    assert list(scores.columns) == [
        "slide", "patient", "trait", "model", "class", "tiles", "share", "mean",
    ]  # fmt: skip
    bags = 8 if bag == "patient" else 16
    assert scores.groupby(["model", "class"]).size().tolist() == [bags] * 6
    assert scores["slide"].notna().all() == (bag == "slide")
    assert set(scores["tiles"]) == {2 * TILES if bag == "patient" else TILES}
    assert scores["share"].equals(scores["mean"])
    wide = scores.pivot(index=[bag, "class"], columns="model", values="mean")
    expected = wide[["0", "1"]].mean(axis=1)
    assert wide["ensemble"].to_numpy() == pytest.approx(expected.to_numpy())
    _, _, features = cohort
    alone = load_bag_model(models[bag][1]).judge(
        np.concatenate(
            [TileStore(features[f"P3-{k}"]).column("features") for k in range(1 + bags % 16 // 8)]
        )
    )[0]
    name = "P3" if bag == "patient" else "P3-0"
    assert wide.loc[name, "1"].to_numpy() == pytest.approx(alone[::-1], abs=1e-6)
    assert choice["chosen"].all() and choice["tile_threshold"].isna().all()
    assert choice["validation_patients"][:2].tolist() == [2, 2]


@pytest.mark.parametrize("bag", ["slide", "patient"])
def test_attention_is_of_the_round_that_has_not_seen_the_patient(cohort, models, tmp_path, bag):
    scores, _, found = score(cohort, models[bag], tmp_path, bag)
    for slide, store in found.items():
        store.check()
        assert store.attributes["networks"] == [int(slide[1]) // 4]
        assert not store.attributes["seen"]
        assert store.attributes["bag_tiles"] == (2 * TILES if bag == "patient" else TILES)
    own = scores[(scores["model"] == "0") & (scores[bag] == ("P1" if bag == "patient" else "P1-0"))]
    assert found["P1-0"].attributes["probabilities"] == pytest.approx(own["mean"].tolist())
    sums = {slide: store.column("attention").sum() for slide, store in found.items()}
    share = pd.Series(sums).groupby(
        (lambda slide: slide[:2]) if bag == "patient" else (lambda slide: slide)
    )
    assert share.sum().to_numpy() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("bag", "levels"), [("slide", {"slide", "patient"}), ("patient", {"patient"})]
)
def test_what_is_scored_can_be_evaluated(cohort, models, tmp_path, bag, levels):
    folder, _, _ = cohort
    score(cohort, models[bag], tmp_path, bag)
    names = ("metrics", "confusion", "roc", "agreement")
    outs = {name: tmp_path / f"{name}.parquet" for name in names}
    evaluate_trait(
        folder / "labels.parquet", folder / "rounds.parquet", tmp_path / "scores.parquet",
        tmp_path / "choice.parquet", **outs, trait="t", classes=CLASSES, settings=SCORING,
        seed=0, draws=20,
    )  # fmt: skip
    table = read_table(outs["metrics"])
    assert set(table["level"]) == levels
    area = table.query("model == 'out_of_fold' and metric == 'auroc'").set_index("level")
    assert set(area["patients"]) == {8}
    assert area.loc["patient", "n"] == 8
    assert (area["value"] == 1).all()
    assert set(read_table(outs["agreement"])["level"]) == levels


def test_models_brought_along_judge_without_labels(cohort, models, tmp_path):
    scores, choice, found = score(
        cohort, models["slide"], tmp_path, "slide", labels=None, rounds=None
    )
    assert choice["chosen"].all() and choice["validation_auc"].isna().all()
    assert set(scores["model"]) == {"0", "1", "ensemble"}
    # They know whom they have seen, though no table of rounds says so.
    assert found["P0-0"].attributes["networks"] == [0]


def test_models_of_other_classes_are_refused(cohort, models, tmp_path):
    with pytest.raises(InputError, match="the model finds low, high instead of high, low"):
        score(cohort, models["slide"], tmp_path, "slide", classes=["high", "low"])


@pytest.mark.parametrize(
    ("key", "value"),
    [("mpp", 8.0), ("size", 512), ("encoder", "resnet18"), ("encoder_digest", "0")],
)
def test_models_of_features_of_another_encoder_or_tiling_are_refused(
    cohort, models, tmp_path, key, value
):
    for number, folder in models["slide"].items():
        shutil.copytree(folder, tmp_path / str(number))
        path = tmp_path / str(number) / "model.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    other = {number: tmp_path / str(number) for number in models["slide"]}
    with pytest.raises(
        InputError, match=rf"{key}: the model was trained on features with {value}, those of P0-0"
    ):
        score(cohort, other, tmp_path, "slide")
    assert not (tmp_path / "scores.parquet").exists()
