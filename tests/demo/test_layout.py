import numpy as np
import pytest
import scipy.ndimage

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.demo.design import REGIONS, draw_design
from histoniche.demo.layout import MPP, draw_layout, draw_size, smooth_noise
from histoniche.randomness import generator

PATIENTS = [f"P{number:03d}" for number in range(1, 41)]


@pytest.fixture(scope="module")
def drawn():
    """Aimed-at areas and label map of twelve sections."""
    design = draw_design(PATIENTS, seed=3)
    sections = []
    for patient in PATIENTS[:12]:
        areas = design.areas.loc[patient].to_dict()
        random = generator(3, patient)
        size = draw_size(sum(areas.values()), random)
        sections.append((areas, draw_layout(areas, size=size, random=random)))
    return sections


def test_regions_are_those_of_the_shipped_palette():
    palette = read_palette(find_palette("ivygap"))
    assert tuple(region.region for region in palette[1:]) == REGIONS


@pytest.mark.parametrize("seed", range(5))
def test_ranks_of_areas_age_and_fate_hardly_correlate(seed):
    design = draw_design(PATIENTS, seed=seed)
    table = design.areas.assign(age=design.age, fate=design.fate)
    rho = table.corr("spearman").to_numpy() - np.eye(len(table.columns))
    assert np.abs(rho).max() < 0.25


def test_areas_vary_and_are_absent_at_most_once_a_region():
    areas = draw_design(PATIENTS, seed=7).areas
    assert (areas.std() / areas.mean()).min() > 0.35
    assert (areas == 0).sum().max() == 1
    assert (areas[["IT", "CT", "CTpnz", "CTpan", "CTne"]] > 0.3).all(axis=None)


def test_each_region_gets_its_area(drawn):
    for areas, labels in drawn:
        found = np.bincount(labels.ravel(), minlength=8)[1:] * (MPP / 1000) ** 2
        assert found == pytest.approx(list(areas.values()), rel=0.15, abs=0.03)


def test_tissue_is_one_piece_with_glass_around_it(drawn):
    for _, labels in drawn:
        tissue = labels > 0
        edge = np.concatenate([tissue[0], tissue[-1], tissue[:, 0], tissue[:, -1]])
        assert not edge.any()
        pieces, _ = scipy.ndimage.label(tissue)
        assert np.bincount(pieces.ravel())[1:].max() > 0.995 * tissue.sum()


def test_sizes_differ_and_stay_within_bounds(drawn):
    sides = {side for _, labels in drawn for side in labels.shape}
    assert min(sides) >= 896
    assert max(sides) <= 1152
    assert len(sides) > 8


def test_rims_touch_the_necrosis_and_vessels_lie_in_the_cellular_tumour(drawn):
    number = {region: label for label, region in enumerate(REGIONS, start=1)}
    for areas, labels in drawn:
        around = scipy.ndimage.binary_dilation(labels == number["CTne"], iterations=6)
        neighbours = np.bincount(labels[around], minlength=8)
        rim = neighbours[number["CTpan"]] + neighbours[number["CTpnz"]]
        assert rim > 0.8 * (neighbours.sum() - neighbours[number["CTne"]])
        if areas["CTmvp"]:
            around = scipy.ndimage.binary_dilation(labels == number["CTmvp"], iterations=6)
            touched = np.bincount(labels[around], minlength=8)
            touched[number["CTmvp"]] = 0
            assert touched.argmax() == number["CT"]


def test_regions_are_thick_enough_for_8_um_pixels(drawn):
    # Opening with a disc of 8 level-0 pixels across removes what is thinner.
    y, x = np.ogrid[-4:5, -4:5]
    disc = x**2 + y**2 <= 16
    for _, labels in drawn:
        for label in range(1, 8):
            region = labels == label
            if region.any():
                kept = scipy.ndimage.binary_opening(region, disc).sum()
                assert kept > 0.97 * region.sum()


def test_the_same_generator_gives_the_same_map():
    areas = draw_design(PATIENTS, seed=1).areas.loc["P005"].to_dict()
    maps = [draw_layout(areas, size=(900, 930), random=generator(1, "x")) for _ in range(2)]
    assert np.array_equal(*maps)


def test_smooth_noise_is_standardised_and_smooth():
    noise = smooth_noise((400, 300), 8, generator(0, "noise"))
    assert noise.shape == (400, 300)
    assert abs(noise.mean()) < 0.1
    assert 0.5 < noise.std() < 1.1
    assert np.abs(np.diff(noise, axis=0)).mean() < 0.2 * noise.std()
