import numpy as np
import pytest
from PIL import Image

from histoniche.errors import InputError
from histoniche.slides.tissue import find_tissue, read_tissue

SETTINGS = {"mpp": 10.0, "method": "otsu", "min_chroma": 0.05, "min_island_mm2": 0.05}


def stained(background):
    """A 3 mm wide square of tissue on a ground, with a speck and a hole."""
    picture = np.full((500, 500, 3), background, np.uint8)
    picture[100:400, 100:400] = (200, 120, 180)
    picture[250:255, 250:255] = background
    picture[30:36, 30:36] = (200, 120, 180)
    return picture


@pytest.mark.parametrize("background", [250, 3])
def test_tissue_is_found_on_glass_and_on_a_dark_ground(background):
    mask = find_tissue(stained(background), **SETTINGS)
    truth = np.zeros((500, 500), bool)
    truth[100:400, 100:400] = True
    overlap = (mask & truth).sum() / (mask | truth).sum()
    assert overlap > 0.97
    assert not mask[33, 33]
    assert mask[252, 252]


def test_an_empty_slide_has_no_tissue():
    rng = np.random.default_rng(0)
    empty = rng.integers(243, 250, (300, 300, 1)).repeat(3, -1).astype(np.uint8)
    assert not find_tissue(empty, **SETTINGS).any()


def test_a_persons_mask_of_another_shape_is_refused(tmp_path):
    path = tmp_path / "mask.png"
    Image.new("L", (300, 100), 255).save(path)
    with pytest.raises(InputError, match="another shape"):
        read_tissue(path, size=(100, 100), slide_size=(100, 100))


def test_transparent_is_no_tissue_and_nearly_black_is(tmp_path):
    mask = np.zeros((100, 100, 4), np.uint8)
    mask[..., :3] = 255
    mask[20:60, 20:60, 3] = 255
    mask[70:90, 70:90] = (0, 0, 4, 255)
    path = tmp_path / "mask.png"
    Image.fromarray(mask).save(path)
    tissue = read_tissue(path, size=(50, 50), slide_size=(1000, 1000))
    expected = np.zeros((50, 50), bool)
    expected[10:30, 10:30] = expected[35:45, 35:45] = True
    assert np.array_equal(tissue, expected)
