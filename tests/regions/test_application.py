"""Networks applied tile by tile say what they say of the whole slide at once."""

import numpy as np
import pytest
import torch

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.files import whole_folder
from histoniche.learning.ensembles import Ensemble
from histoniche.learning.models import Model
from histoniche.regions import application
from histoniche.regions.application import segment_slides
from histoniche.regions.maps import strips
from histoniche.slides.store import TileStore, TileWriter

PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))]
SIZE, COLUMNS, ROWS = 64, 4, 3
PLAIN = {"halo_px": 32, "flips": False, "probabilities": False}


@pytest.fixture
def slide():
    """Coarse noise, (height, width, 3)."""
    coarse = np.random.default_rng(0).integers(0, 256, (ROWS * 8, COLUMNS * 8, 3), dtype=np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)


@pytest.fixture
def tiles(slide, tmp_path):
    """All of its tiles as a store."""
    cells = [(column, row) for row in range(ROWS) for column in range(COLUMNS)]
    folder = tmp_path / "S1.zarr"
    with whole_folder(folder) as temporary:
        writer = TileWriter(temporary, len(cells), {"pixels": (SIZE, SIZE, 3)})
        for column, row in cells:
            y, x = row * SIZE, column * SIZE
            writer.append(pixels=slide[y : y + SIZE, x : x + SIZE])
        writer.close(
            {
                "cell": np.array(cells, np.int32),
                "origin": np.array(cells, np.int32) * SIZE,
                "tissue": np.ones(len(cells), np.float32),
            },
            {
                "slide": "S1", "status": "ok", "reason": "", "tiles": len(cells), "mpp": 8.0,
                "size": SIZE, "scale_to_level0": 1.0, "grid": [COLUMNS, ROWS],
                "slide_size": [COLUMNS * SIZE, ROWS * SIZE],
            },
        )  # fmt: skip
    return folder


@pytest.fixture
def model(monkeypatch):
    """A network that sees four pixels far, instead of one from a file."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 5, padding=2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(16, len(PALETTE), 5, padding=2),
    ).eval()
    description = {
        "normalisation": {"mean": [0.5] * 3, "deviation": [0.25] * 3},
        "temperature": 0.5,
        "mpp": 8.0,
    }
    model = Model(network, description)
    monkeypatch.setattr(application, "load_heads", lambda *_, **__: {"all": Ensemble([model])})
    monkeypatch.setattr(application, "choose_device", lambda: torch.device("cpu"))
    return model


def found(tiles, tmp_path, **changes):
    segment_slides(
        {"S1": tiles},
        {"S1": tmp_path / "found"},
        {},
        patients={"S1": "P1"},
        palette=PALETTE,
        settings={**PLAIN, **changes},
        threads=1,
    )
    return TileStore(tmp_path / "found")


@pytest.mark.parametrize("halo", [32, 0])
def test_tiles_with_a_halo_say_what_the_whole_slide_says(slide, tiles, model, tmp_path, halo):
    labels = np.concatenate(list(strips(found(tiles, tmp_path, halo_px=halo))))
    whole = model.logits(torch.from_numpy(slide).permute(2, 0, 1)[None]).argmax(1)[0].numpy()
    # Beyond the slide there is white for tiles and nothing for the whole.
    inner = (slice(4, -4), slice(4, -4))
    same = (labels == whole)[inner].mean()
    if halo:
        assert same > 0.999
    else:
        assert same < 0.99


def test_one_colour_leaves_no_seams(tiles, model, tmp_path, slide, monkeypatch):
    monkeypatch.setattr(TileStore, "tile", lambda *_: np.full((SIZE, SIZE, 3), 120, np.uint8))
    store = found(tiles, tmp_path)
    monkeypatch.undo()
    confidence = np.concatenate(list(strips(TileStore(tmp_path / "found"), "confidence")))
    assert len(np.unique(confidence[8:-8, 8:-8])) == 1
    assert len(store) == COLUMNS * ROWS


def test_all_probabilities_on_request_sum_to_one(tiles, model, tmp_path):
    store = found(tiles, tmp_path, probabilities=True)
    for index in range(len(store)):
        probability = store.tile("probability", index).astype(int)
        assert abs(probability.sum(0) - 255).max() <= len(PALETTE)
        assert np.array_equal(probability.max(0), store.tile("confidence", index))


def test_flips_are_averaged(slide, tiles, model, tmp_path):
    store = found(tiles, tmp_path, flips=True, probabilities=True)
    pixels = torch.from_numpy(slide).permute(2, 0, 1)[None]
    total = 0
    for axes in ([], [-1], [-2], [-1, -2]):
        total = total + model.logits(pixels.flip(axes)).softmax(1).flip(axes) / 4
    y, x = SIZE, SIZE
    expected = (total[0, :, y : y + SIZE, x : x + SIZE] * 255).numpy()
    assert abs(store.tile("probability", COLUMNS + 1) - expected).max() < 3
    assert store.attributes["segmentation"] == {"halo_px": 32, "flips": True}
