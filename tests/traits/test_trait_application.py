"""Probabilities of several models on a slide's tiles, in one pass and in the tiles' order."""

import numpy as np
import pytest
import torch
import zarr
from safetensors.torch import load_file, save_file

from classifier_settings import TINY
from histoniche.errors import InputError
from histoniche.files import read_json, sha256, write_json
from histoniche.learning import reading
from histoniche.learning.classifiers import build_classifier
from histoniche.learning.joint import JointClassifiers
from histoniche.learning.models import load_model, save_model
from histoniche.slides.store import TileStore
from histoniche.traits.application import classify_slides
from trait_cohort import SIZE, TILES, write_tiles

DESCRIPTION = {
    "task": "classification",
    "mpp": 0.5,
    "size": SIZE,
    "normalisation": {"mean": [0.6, 0.4, 0.6], "deviation": [0.2, 0.2, 0.2]},
    "settings": TINY,
    "temperature": 1.5,
}


def write_model(folder, seed, classes=("low", "high"), **changes):
    torch.manual_seed(seed)
    network = build_classifier(TINY, classes=len(classes))
    save_model(network, {**DESCRIPTION, "classes": list(classes), **changes}, folder)
    return folder


def load(folder):
    return load_model(folder, device=torch.device("cpu"), task="classification")


@pytest.fixture
def stores(tmp_path):
    for number, label in enumerate(["low", "high"]):
        write_tiles(tmp_path / f"S{number}.zarr", label, number)
    return {f"S{number}": tmp_path / f"S{number}.zarr" for number in range(2)}


@pytest.fixture
def models(tmp_path):
    return {
        "grade": write_model(tmp_path / "grade", 0, ("II", "III", "IV")),
        "gene": write_model(tmp_path / "gene", 1),
    }


def outs(stores, models, folder):
    return {slide: {name: folder / name / f"{slide}.zarr" for name in models} for slide in stores}


def test_all_models_say_in_one_pass_what_each_says_alone(stores, models, tmp_path, monkeypatch):
    monkeypatch.setitem(reading._PIXELS_A_STEP, "cpu", 4 * SIZE**2)
    decoded = []
    read = TileStore.tile
    monkeypatch.setattr(
        TileStore, "tile", lambda self, *args: decoded.append(args) or read(self, *args)
    )
    targets = outs(stores, models, tmp_path / "found")
    classify_slides(stores, targets, models, threads=1)
    assert len(decoded) == 2 * TILES
    for slide, folder in stores.items():
        tiles = TileStore(folder)
        pixels = np.stack([tiles.tile("pixels", n) for n in range(TILES)])
        for name in models:
            store = TileStore(targets[slide][name])
            store.check()
            found = store.column("probabilities")
            assert found.dtype == np.float16
            model = load(models[name])
            alone = model.logits(torch.from_numpy(pixels).permute(0, 3, 1, 2)).softmax(1)
            assert found == pytest.approx(alone.numpy(), abs=2e-3)
            assert store.attributes["classes"] == model.classes
            assert store.attributes["mpp"] == 0.5
            assert store.column("origin").tolist() == tiles.column("origin").tolist()
    group = zarr.open_group(targets["S0"]["grade"], mode="r")
    assert group["probabilities"].shape == (TILES, 3)


def test_equal_encoders_are_reckoned_once(models, tmp_path):
    copy = write_model(tmp_path / "copy", 2)
    state, own = load_file(models["gene"] / "model.safetensors"), copy / "model.safetensors"
    heads = {k: v for k, v in load_file(own).items() if k.startswith("head.")}
    save_file({**state, **heads}, own)
    description = read_json(copy / "model.json")
    write_json({**description, "weights_sha256": sha256(own)}, copy / "model.json")
    folders = {**models, "copy": copy}
    joint = JointClassifiers({k: load(v) for k, v in folders.items()})
    assert joint.groups == [["grade"], ["gene", "copy"]]
    pixels = torch.randint(0, 256, (3, 3, SIZE, SIZE), dtype=torch.uint8)
    together = joint.probabilities(pixels)
    for name, folder in folders.items():
        alone = load(folder).logits(pixels).softmax(1)
        assert torch.allclose(together[name], alone, atol=1e-6), name
    assert not torch.allclose(together["gene"], together["copy"], atol=1e-3)


@pytest.mark.parametrize("change", [{"mpp": 0.25}, {"size": 64}])
def test_a_model_of_another_tiling_is_refused_in_one_line(stores, tmp_path, change):
    folder = write_model(tmp_path / "other", 0, **change)
    with pytest.raises(InputError, match=r"'other'.*trained on tiles of") as caught:
        classify_slides(
            stores, outs(stores, ["other"], tmp_path / "found"), {"other": folder}, threads=1
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "found").exists()


def test_a_slide_without_tiles_gives_an_empty_store(models, tmp_path):
    write_tiles(tmp_path / "S9.zarr", "low", 9, tiles=0)
    stores = {"S9": tmp_path / "S9.zarr"}
    classify_slides(stores, outs(stores, models, tmp_path / "found"), models, threads=1)
    assert len(TileStore(tmp_path / "found" / "gene" / "S9.zarr")) == 0


def test_a_model_for_something_else_is_refused(stores, tmp_path):
    folder = write_model(tmp_path / "other", 0)
    description = read_json(folder / "model.json")
    write_json({**description, "task": "mil"}, folder / "model.json")
    with pytest.raises(InputError, match="is a model for mil; name a model for classification"):
        classify_slides(
            stores, outs(stores, ["other"], tmp_path / "found"), {"other": folder}, threads=1
        )
