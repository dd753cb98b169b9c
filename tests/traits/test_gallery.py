"""Which tiles are shown for review, and how."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from classifier_settings import TINY
from histoniche.errors import InputError
from histoniche.learning.classifiers import build_classifier
from histoniche.learning.gradcam import grad_cam
from histoniche.learning.models import save_model
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table
from histoniche.traits import gallery, review_cams
from histoniche.traits.gallery import draw_gallery, lay_over, picture_review_tiles
from histoniche.traits.review_cams import draw_review_tiles
from histoniche.traits.review_tiles import (
    COLUMNS,
    Judged,
    choose_review_tiles,
    choose_tiles,
    held_out_slides,
)
from histoniche.traits.rounds import draw_folds, draw_rounds
from histoniche.traits.tile_calls import make_calls

CLASSES = ("low", "high")


def judged(slide, truth, positive):
    found = np.stack([1 - np.array(positive), positive], -1)
    origin = np.stack([np.arange(len(found)) * 10, np.zeros(len(found), int)], -1)
    return Judged(slide, f"P{slide}", truth, make_calls("T", CLASSES, origin, found, side=10))


def test_the_surest_right_and_wrong_tiles_are_chosen():
    slides = [
        judged("A", "high", [0.9, 0.95, 0.1, 0.6, 0.99]),
        judged("B", "low", [0.9, 0.2, 0.05, 0.4]),
    ]
    table = choose_tiles(slides, number=2, most_per_slide=2)
    assert list(table.columns) == list(COLUMNS)
    shown = table[["truth", "verdict", "rank", "slide", "tile", "called"]]
    assert shown.to_numpy().tolist() == [
        ["low", "right", 1, "B", 2, "low"],
        ["low", "right", 2, "B", 1, "low"],
        ["low", "wrong", 1, "B", 0, "high"],
        ["high", "right", 1, "A", 4, "high"],
        ["high", "right", 2, "A", 1, "high"],
        ["high", "wrong", 1, "A", 2, "low"],
    ]
    assert table["probability"].tolist() == pytest.approx([0.95, 0.8, 0.9, 0.99, 0.95, 0.9])
    assert table["x_px"].tolist() == [20, 10, 0, 40, 10, 20]


def test_no_slide_fills_the_gallery_alone():
    slides = [judged("A", "high", [0.99] * 9), judged("B", "high", [0.8] * 9)]
    table = choose_tiles(slides, number=4, most_per_slide=3)
    assert table["slide"].tolist() == ["A", "A", "A", "B"]
    assert table["tile"].tolist() == [0, 1, 2, 0]


def test_nothing_to_choose_from_gives_an_empty_table_and_a_sheet_that_says_so():
    table = choose_tiles([])
    assert table.empty and list(table.columns) == list(COLUMNS)
    assert choose_tiles([judged("A", "high", [])]).empty
    assert draw_gallery(table, [], trait="T", classes=CLASSES).size[1] < 400


@pytest.fixture
def files(make_store, make_probabilities, tmp_path):
    tiles = {name: make_store(name) for name in ("S1", "S2", "S3")}
    found = {
        name: make_probabilities([[1 - p, p] for p in positive], name)
        for name, positive in (
            ("S1", [0.9, 0.8, 0.3, 0.1]),
            ("S2", [0.2, 0.6, 0.1, 0.7]),
            ("S3", [0.99] * 4),
        )
    }
    labels = tmp_path / "labels.parquet"
    rows = [("S1", "P1", "T", "high"), ("S2", "P2", "T", "low"), ("S3", "P3", "T", None)]
    write_table(pd.DataFrame(rows, columns=["slide", "patient", "trait", "class"]), labels)
    return tiles, found, labels, tmp_path / "chosen.parquet"


def test_tiles_are_chosen_from_files_and_slides_without_a_class_left_out(files):
    tiles, found, labels, chosen = files
    choose_review_tiles(tiles, found, labels, chosen, trait="T", classes=CLASSES)
    table = read_table(chosen)
    assert chosen.with_suffix(".tsv").exists()
    assert set(table["slide"]) == {"S1", "S2"}
    first = table[(table["truth"] == "high") & (table["verdict"] == "wrong")].iloc[0]
    assert first[["slide", "patient", "tile", "x_px", "y_px"]].tolist() == ["S1", "P1", 3, 32, 16]


def test_only_the_chosen_tiles_are_read(files, tmp_path, monkeypatch):
    tiles, found, labels, chosen = files
    choose_review_tiles(tiles, found, labels, chosen, trait="T", classes=CLASSES, number=1)
    read = []

    class Counting(TileStore):
        def tile(self, name, index):
            read.append((self.slide, index))
            return super().tile(name, index)

    monkeypatch.setattr(gallery, "TileStore", Counting)
    out = tmp_path / "gallery.png"
    picture_review_tiles(chosen, tiles, out, trait="T", classes=CLASSES)
    table = read_table(chosen)
    assert read == list(zip(table["slide"], table["tile"], strict=True)) and len(read) == 4
    drawn = np.asarray(Image.open(out))
    # Tile number k of a store is grey 40 k.
    for tile in table["tile"]:
        assert (drawn == 40 * tile).all(-1).sum() > 10_000


def test_grad_cams_stand_beside_their_tiles(files, tmp_path):
    tiles, found, labels, chosen = files
    choose_review_tiles(tiles, found, labels, chosen, trait="T", classes=CLASSES)
    cams = np.zeros((len(read_table(chosen)), 4, 4))
    cams[0] = np.nan
    plain, beside = tmp_path / "plain.png", tmp_path / "beside.png"
    picture_review_tiles(chosen, tiles, plain, trait="T", classes=CLASSES)
    picture_review_tiles(chosen, tiles, beside, trait="T", classes=CLASSES, grad_cams=cams)
    assert Image.open(beside).width > 1.1 * Image.open(plain).width
    with pytest.raises(InputError, match="2 Grad-CAMs where 8 tiles were chosen"):
        picture_review_tiles(chosen, tiles, beside, trait="T", classes=CLASSES, grad_cams=cams[:2])


def test_a_grad_cam_is_warm_where_it_is_strong_and_not_there_where_it_is_nought():
    pixels = np.full((8, 8, 3), 100, np.uint8)
    cam = np.zeros((8, 8))
    cam[:, 4:] = 1
    drawn = lay_over(pixels, cam)
    assert (drawn[:, :3] == 100).all() and drawn[0, 7, 0] > 180 > drawn[0, 7, 2]


def test_slides_are_held_out_whose_patients_the_judging_networks_have_not_seen(files, tmp_path):
    tiles, found, _, chosen = files
    names = [f"P{k}" for k in range(1, 10)]
    labels = pd.DataFrame({"slide": [f"S{k}" for k in range(1, 10)], "patient": names})
    labels = labels.assign(trait="T", set="in", **{"class": ["high", "low", "high"] * 3})
    labels.loc[2, "set"] = "near"
    rounds = draw_rounds(names, seed=0, rounds=2, test=0.4)
    aside = set(rounds.loc[rounds["round"].isna(), "patient"])
    mine = labels[labels["patient"].isin(aside) & (labels["set"] == "in")]
    assert held_out_slides(labels, rounds) == mine["slide"].tolist()
    folds = draw_folds(names, seed=0, folds=3)
    assert held_out_slides(labels, folds) == labels.loc[labels["set"] == "in", "slide"].tolist()
    write_table(labels, tmp_path / "labels.parquet")
    write_table(folds, tmp_path / "rounds.parquet")
    choose_review_tiles(
        tiles, found, tmp_path / "labels.parquet", chosen, rounds=tmp_path / "rounds.parquet",
        trait="T", classes=CLASSES,
    )  # fmt: skip
    # S3 is out of distribution.
    assert set(read_table(chosen)["slide"]) == {"S1", "S2"}


@pytest.fixture
def looked_into(make_store, tmp_path):
    """Draws the gallery with the networks of two rounds; tells which looked at which tile."""
    tiles = {name: make_store(name, size=32) for name in ("S1", "S2")}
    chosen = tmp_path / "chosen.parquet"
    slides = [judged("S1", "high", [0.9, 0.8, 0.3, 0.1]), judged("S2", "low", [0.2, 0.6, 0.1, 0.7])]
    write_table(choose_tiles(slides), chosen)

    def draw(encoder, rounds=None, *, look=True):
        models = {}
        settings = {**TINY, "encoder": encoder}
        for number in range(2):
            models[number] = tmp_path / encoder / str(number)
            torch.manual_seed(number)
            save_model(
                build_classifier(settings, classes=2),
                {
                    "task": "classification", "classes": list(CLASSES), "size": 32,
                    "normalisation": {"mean": [0.5] * 3, "deviation": [0.2] * 3},
                    "settings": settings, "temperature": 1.0, "number": number,
                },
                models[number],
            )  # fmt: skip
        choice = pd.DataFrame({"model": ["1", "0"], "rank": [1, 2], "chosen": True})
        write_table(choice.assign(tile_threshold=0.5), tmp_path / "choice.parquet")
        path = None
        if rounds is not None:
            path = tmp_path / "rounds.parquet"
            write_table(rounds, path)
        seen = []

        def spy(model, pixels, *, target):
            seen.append((model.description["number"], target))
            return grad_cam(model, pixels, target=target)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(review_cams, "grad_cam", spy)
            draw_review_tiles(
                chosen, tiles, models if look else {}, tmp_path / f"{encoder}.png",
                choice=tmp_path / "choice.parquet", rounds=path,
                trait="T", classes=CLASSES, threads=1,
            )  # fmt: skip
        return read_table(chosen), seen, Image.open(tmp_path / f"{encoder}.png").width

    return draw


def test_the_best_network_is_looked_into_for_the_class_called(looked_into):
    table, seen, width = looked_into("test_resnet")
    assert seen == [(1, CLASSES.index(name)) for name in table["called"]]
    rounds = pd.DataFrame({"patient": ["PS1", "PS2"], "round": [0, 1], "role": "test"})
    table, seen, _ = looked_into("test_resnet", rounds.astype({"round": "Int64"}))
    assert [number for number, _ in seen] == [int(name[-1]) - 1 for name in table["patient"]]
    # Without maps, or without being asked, the tiles stand alone.
    assert looked_into("test_vit")[2] < width
    _, seen, alone = looked_into("test_resnet", look=False)
    assert not seen and alone < width
