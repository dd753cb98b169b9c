"""Published weights: which are fetched, under which name, and that trainings start from them."""

import timm
import torch
from safetensors.torch import load_file, save_file

from classifier_settings import CLASSIFIER
from histoniche.files import read_json, sha256
from histoniche.learning.classifiers import build_encoder, start_classifier
from histoniche.learning.fetching import fetch_weights
from histoniche.learning.networks import build_network, encoder_of, start_network
from histoniche.learning.published_weights import (
    encoder_settings,
    name_of_weights,
    needs_fetching,
)
from training_settings import SMALL

NAMED = {**SMALL, "encoder_weights": "imagenet"}


def test_only_published_weights_that_do_not_come_along_are_fetched():
    assert needs_fetching(NAMED)
    assert not needs_fetching(SMALL)
    assert not needs_fetching({**NAMED, "encoder_weights": "weights/uni.safetensors"})
    assert not needs_fetching({**NAMED, "encoder": "tu-tf_efficientnet_lite0"})
    assert needs_fetching({**NAMED, "encoder": "tu-tf_efficientnet_lite0", "encoder_weights": "x"})


def test_an_encoder_keeps_its_file_until_what_it_depends_on_changes():
    name = name_of_weights(NAMED)
    assert name.startswith("resnet18-imagenet-")
    assert name_of_weights({**NAMED, "epochs": 99, "dropout": 0.5}) == name
    others = [{"encoder": "resnet34"}, {"encoder_weights": "ssl"}, {"encoder_options": {"x": 1}}]
    assert len({name, *(name_of_weights({**NAMED, **other}) for other in others)}) == 4
    hub = {**NAMED, "encoder": "hf-hub:org/name@main"}
    assert "/" not in name_of_weights(hub) and ":" not in name_of_weights(hub)


def same(one, other):
    """Whether two states hold the same numbers under the same names."""
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_a_segmentation_starts_from_what_was_fetched(tmp_path, monkeypatch):
    published = encoder_of(build_network(NAMED, classes=1), NAMED).state_dict()
    kept = tmp_path / "published.safetensors"
    save_file({name: value.contiguous() for name, value in published.items()}, kept)
    monkeypatch.setattr(
        "segmentation_models_pytorch.encoders.hf_hub_download", lambda *_, **__: str(kept)
    )
    weights, description = tmp_path / "w.safetensors", tmp_path / "w.json"
    fetch_weights(encoder_settings(NAMED), weights, description)
    assert same(load_file(weights), published)
    told = read_json(description)
    assert told["sha256"] == sha256(weights)
    assert told["encoder"]["encoder"] == "resnet18"
    pinned = {**NAMED, "encoder_sha256": told["sha256"]}
    network = start_network(pinned, classes=3, weights=weights)
    assert same(encoder_of(network, pinned).state_dict(), published)


def test_a_classifier_starts_from_what_was_fetched(tmp_path, monkeypatch):
    settings = {**CLASSIFIER, "encoder": "test_resnet", "encoder_weights": "imagenet"}
    whole = timm.create_model("test_resnet", num_classes=1000).state_dict()
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: whole)
    weights = tmp_path / "w.safetensors"
    fetch_weights(encoder_settings(settings), weights, tmp_path / "w.json")
    published = build_encoder(settings, published_weights=True)[0].state_dict()
    assert same(load_file(weights), published)
    started = start_classifier(settings, classes=2, weights=weights)
    assert same(started.encoder.state_dict(), published)
