import numpy as np
import pytest

from histoniche.errors import UnusableScan
from histoniche.imaging.samples import (
    Box,
    Sample,
    bounding_box,
    choose_slices,
    empty_sample,
    fit_square,
    make_sample,
    read_sample,
    resampling,
    write_sample,
)
from scan_files import GRID, VOXEL, make_tumour


def coordinates():
    """Two maps that hold the numbers of each voxel's x and y."""
    x, y, _ = np.meshgrid(*map(np.arange, GRID), indexing="ij")
    return np.stack([x, y]).astype(np.float32)


def sample_of(tumour, *, maps=None, voxel_mm=VOXEL, slices=4, side=6, margin=0.0):
    maps = coordinates() if maps is None else maps
    return make_sample(maps, tumour, voxel_mm, slices=slices, side=side, margin=margin)


def test_the_box_is_the_tumours_own():
    assert bounding_box(make_tumour() > 0) == Box((6, 11), (10, 13), (1, 8))


@pytest.mark.parametrize(
    ("first", "last", "count", "expected"),
    [
        (0, 7, 4, [1, 3, 5, 7]),
        (0, 9, 4, [1, 3, 6, 8]),
        (1, 8, 4, [2, 4, 6, 8]),
        (5, 8, 4, [5, 6, 7, 8]),
        (0, 2, 4, [0, 1, 1, 2]),
        (0, 1, 4, [0, 0, 1, 1]),
        (3, 3, 4, [3, 3, 3, 3]),
        (0, 8, 1, [4]),
        (0, 99, 4, [12, 37, 62, 87]),
    ],
)
def test_slices_are_the_middles_of_equal_parts(first, last, count, expected):
    assert choose_slices(Box((0, 0), (0, 0), (first, last)), count).tolist() == expected


def test_the_crop_is_a_square_in_mm_with_the_box_in_its_middle():
    box = Box((6, 11), (10, 13), (1, 8))
    assert fit_square(box, VOXEL, margin=0) == (9, 12, 12)
    assert fit_square(box, (1.0, 4.0, 3.0), margin=2.5) == (9, 12, 21)


def test_a_hand_made_box_gives_its_own_voxels():
    """Pixels of a voxel's size: columns are x 6 to 11, rows y 14 down to 9, slices 2, 4, 6, 8."""
    sample = sample_of(make_tumour() > 0)
    assert sample.axial.tolist() == [2, 4, 6, 8]
    assert sample.pixel_mm == 2
    assert sample.images.shape == (4, 2, 6, 6) and sample.images.dtype == np.float32
    assert (sample.images[:, 0] == np.arange(6, 12)).all()
    assert (sample.images[:, 1] == np.arange(14, 8, -1)[:, None]).all()
    expected = np.zeros((6, 6))
    expected[1:5] = 1
    assert (sample.tumour == expected).all() and sample.tumour.dtype == np.uint8


def test_pixels_stay_square_where_voxels_are_not():
    """6 x 4 voxels of 1 x 4 mm lie in a square of 16 mm: a voxel is 1 pixel wide and 4 high."""
    sample = sample_of(make_tumour() > 0, voxel_mm=(1.0, 4.0, 3.0), side=16)
    assert sample.pixel_mm == 1
    assert sample.tumour[0].sum(axis=0).tolist() == [0] * 5 + [16] * 6 + [0] * 5
    assert sample.tumour[0].sum(axis=1).tolist() == [6] * 16


def test_a_margin_widens_the_crop_on_all_sides():
    sample = sample_of(make_tumour() > 0, side=10, margin=4)
    assert sample.pixel_mm == 2
    assert (sample.images[0, 0] == np.arange(4, 14)).all()
    assert (sample.images[0, 1] == np.arange(16, 6, -1)[:, None]).all()


def test_beyond_the_volume_all_is_nought():
    tumour = np.zeros(GRID, bool)
    tumour[:2, 4:10, 3:7] = True
    sample = sample_of(tumour, maps=np.ones((1, *GRID), np.float32))
    assert (sample.images[0, 0] == [0, 0, 1, 1, 1, 1]).all()
    assert (sample.tumour[0] == [0, 0, 1, 1, 0, 0]).all()


def test_large_pixels_are_means_and_small_ones_lie_between_voxels():
    halves = resampling(6, middle=3, voxel=2, length=12, pixels=3)
    assert np.array_equal(halves, np.kron(np.eye(3), [0.5, 0.5]))
    mixed = resampling(3, middle=1.5, voxel=1, length=3, pixels=2)
    assert mixed == pytest.approx(np.array([[2, 1, 0], [0, 1, 2]]) / 3)
    twice = resampling(3, middle=1.5, voxel=1, length=2, pixels=4)
    assert twice == pytest.approx(
        np.array([[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0.75, 0.25], [0, 0.25, 0.75]])
    )


def test_finer_pixels_keep_a_slope_a_slope():
    sample = sample_of(make_tumour() > 0, side=24)
    steps = np.diff(sample.images[0, 0, 0])
    assert steps == pytest.approx(np.full(23, 0.25))
    assert sample.images[0, 0].mean() == pytest.approx(8.5)
    assert sample.tumour.mean() == pytest.approx(4 / 6)


def test_a_mask_that_touches_no_slice_is_refused():
    tumour = np.zeros(GRID, bool)
    tumour[5, 5, [0, 9]] = True
    with pytest.raises(UnusableScan, match="touches none of the slices 1, 3, 6, 8"):
        sample_of(tumour)
    tumour[5, 5, 6] = True
    assert sample_of(tumour).tumour.any(axis=(1, 2)).tolist() == [False, False, True, False]


def test_an_empty_mask_is_refused():
    with pytest.raises(UnusableScan, match="mask is empty"):
        sample_of(np.zeros(GRID, bool))


def test_what_is_written_is_read(tmp_path):
    sample = sample_of(make_tumour() > 0)
    write_sample(sample, tmp_path / "a" / "sample.safetensors")
    again = read_sample(tmp_path / "a" / "sample.safetensors")
    assert isinstance(again, Sample)
    for first, second in zip(sample, again, strict=True):
        assert np.array_equal(first, second)
    write_sample(empty_sample(4, 16), tmp_path / "empty.safetensors")
    empty = read_sample(tmp_path / "empty.safetensors")
    assert empty.images.shape == (0, 4, 16, 16)
    assert empty.tumour.shape == (0, 16, 16)
    assert empty.axial.shape == (0,)
    assert np.isnan(empty.pixel_mm)
