import numpy as np
import pytest

from histoniche.errors import UnusableScan
from histoniche.imaging.samples import make_sample
from histoniche.imaging.scans import as_mask, find_brain, read_scan
from histoniche.imaging.units import to_um2_ms, unit_problem
from scan_files import GRID, MAPS, SAMPLE, VOXEL, make_affine, make_maps, make_tumour, save


def sample_of(row):
    scan = read_scan(row, maps=MAPS, unit="mm2/s")
    return make_sample(scan.maps, scan.tumour, scan.voxel_mm, **SAMPLE)


@pytest.mark.parametrize("axes", ["LAS", "LPI", "SRA", "PIR", "ASL"])
def test_a_turned_or_flipped_scan_gives_the_same_sample(write_scan, axes):
    expected = sample_of(write_scan())
    found = sample_of(write_scan(axes=axes, folder=axes))
    assert expected.images.any() and expected.tumour.any()
    for first, second in zip(expected, found, strict=True):
        assert np.array_equal(first, second)


def test_a_scan_holds_its_maps_in_um2_ms_and_nothing_outside_of_the_brain(write_scan):
    scan = read_scan(write_scan(), maps=MAPS, unit="mm2/s")
    given = make_maps()
    assert scan.voxel_mm == VOXEL
    assert np.array_equal(scan.tumour, make_tumour() > 0)
    assert np.array_equal(scan.brain, given["FA"] > 0)
    for number, name in enumerate(MAPS):
        scale = 1 if name == "FA" else 1000
        assert scan.maps[number] == pytest.approx(given[name] * scale, rel=1e-6)
    assert scan.facts["brain"] == "where maps are not 0"
    assert scan.facts["maps"] == "given"
    assert scan.facts["outside_share"] == 0
    assert scan.facts["implausible_shares"] == dict.fromkeys(MAPS, 0.0)


def test_a_given_brain_takes_everything_else_away(write_scan):
    brain = np.zeros(GRID, np.uint8)
    brain[4:14, 8:16, 1:9] = 1
    row = write_scan(changes={"brain_mask": brain})
    scan = read_scan(row, maps=MAPS, unit="mm2/s")
    assert np.array_equal(scan.brain, brain > 0)
    assert (scan.maps[:, brain == 0] == 0).all()
    assert scan.facts["brain"] == "given"


@pytest.mark.parametrize(("unit", "scale"), [("um2/ms", 1e3), ("1e-6 mm2/s", 1e6)])
def test_units_are_brought_to_one(write_scan, unit, scale):
    changes = {name: make_maps()[name] * np.float32(scale) for name in ("MD", "AD", "RD")}
    scan = read_scan(write_scan(changes=changes), maps=MAPS, unit=unit)
    expected = read_scan(write_scan(folder="other"), maps=MAPS, unit="mm2/s")
    assert scan.maps == pytest.approx(expected.maps, rel=1e-5)


def test_other_maps_are_taken_as_they_are(write_scan):
    flair = make_maps()["FA"] * 900 - 100
    row = write_scan(changes={"FLAIR": flair})
    scan = read_scan(row, maps=["FLAIR", "FA"], unit="mm2/s")
    assert scan.maps[0][scan.brain] == pytest.approx(flair[scan.brain])


def test_a_little_beyond_the_range_is_brought_into_it(write_scan):
    fa = make_maps()["FA"]
    fa[5, 5, 5], fa[6, 5, 5], fa[7, 5, 5] = 1.01, -0.01, 1.3
    scan = read_scan(write_scan(changes={"FA": fa}), maps=MAPS, unit="mm2/s")
    assert scan.maps[0, 5:8, 5, 5].tolist() == [1, 0, 1]
    assert scan.facts["implausible_shares"]["FA"] == pytest.approx(1 / (16 * 20 * 8))


def test_background_may_be_nan_but_not_the_brain():
    maps = make_maps()
    brain = maps["FA"] > 0
    torn = {name: np.where(brain, values, np.nan) for name, values in maps.items()}
    torn["FA"][8, 8, 4] = np.nan
    assert np.array_equal(find_brain(torn), brain)
    for values in torn.values():
        values[8, 8, 4] = np.nan
    assert np.array_equal(find_brain(torn), brain)


def with_nan(values):
    values = values.copy()
    values[8, 8, 4] = np.nan
    return values


def masked(*places):
    mask = np.zeros(GRID, np.float32)
    for place in places:
        mask[place] = 1
    return mask


MAP = make_maps()
EVERYWHERE = np.ones(GRID, np.uint8)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mask": masked()}, "the tumour mask is empty"),
        ({"mask": masked(np.s_[0, :, :])}, "100% of the tumour lie outside of the brain"),
        ({"mask": masked(np.s_[0:4, 5, 5])}, "50% of the tumour lie outside of the brain"),
        ({"mask": MAP["FA"]}, "tumour mask is none: it holds .* whole numbers inside"),
        ({"mask": -EVERYWHERE.astype(float)}, "tumour mask is none: it holds 1 values from -1"),
        ({"mask": with_nan(masked())}, "the tumour mask holds NaN"),
        ({"mask": EVERYWHERE[1:]}, "tumour mask has another grid than FA: 19 x 24 x 10 and 20 x"),
        ({"brain_mask": masked()}, "the brain is empty"),
        ({"brain_mask": EVERYWHERE[:, 1:]}, "the brain mask has another grid than FA"),
        ({"AD": with_nan(MAP["AD"])}, "AD is NaN or infinite in 1 voxels of the brain"),
        ({"RD": MAP["RD"][:, :, 1:]}, "RD has another grid than FA: 20 x 24 x 9 and 20 x 24 x 10"),
        ({"RD": EVERYWHERE * np.float32(1e-3)}, "RD is 0.001 everywhere|RD is 1 everywhere"),
        ({"FA": MAP["FA"] * 1000}, "FA is not plausible: a median FA of"),
        ({"FA": MAP["FA"] * 1.7}, r"FA lies outside of 0 to 1 in \d+% of the brain"),
        ({"MD": MAP["MD"] * 1000}, "its values look like um2/ms: see imaging.unit"),
        ({"MD": MAP["MD"] * 1e6}, "its values look like 1e-6 mm2/s: see imaging.unit"),
        ({"AD": np.where(MAP["FA"] > 0.7, 9e-3, MAP["AD"])}, "AD lies outside of 0 to 6e-3 mm2/s"),
    ],
)
def test_a_bad_scan_is_one_reason(write_scan, changes, words):
    with pytest.raises(UnusableScan, match=words):
        read_scan(write_scan(changes=changes), maps=MAPS, unit="mm2/s")


def test_a_missing_map_and_another_affine_are_reasons(write_scan, tmp_path):
    row = write_scan()
    with pytest.raises(UnusableScan, match=r"MD is missing: the sheet names no file .* dwi, bvals"):
        read_scan({**row, "MD": None}, maps=MAPS, unit="mm2/s")
    with pytest.raises(UnusableScan, match=r"T1 is missing: the sheet names no file for it$"):
        read_scan({**row, "T1": None}, maps=["T1"], unit="mm2/s")
    moved = make_affine()
    moved[0, 3] += 3
    save(MAP["MD"], tmp_path / "moved.nii", affine=moved)
    with pytest.raises(UnusableScan, match=r"MD has another affine than FA: .* 3 mm apart"):
        read_scan({**row, "MD": str(tmp_path / "moved.nii")}, maps=MAPS, unit="mm2/s")


def test_stated_units_that_are_too_large_are_noticed_too():
    assert unit_problem(0.0008, "MD", "um2/ms").endswith("look like mm2/s: see imaging.unit")
    assert unit_problem(0.8, "MD", "mm2/s") == ""
    assert unit_problem(3e8, "MD", "mm2/s") == "a median MD of 3e+05 mm2/s in the brain"
    assert to_um2_ms(np.float32(5), "FA", "mm2/s") == 5


def test_several_labels_are_one_tumour():
    labels = np.array([0, 1, 2, 4], np.float32)
    assert as_mask(labels, "the tumour mask").tolist() == [False, True, True, True]
