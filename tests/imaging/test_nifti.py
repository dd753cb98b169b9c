import gzip
import itertools

import nibabel
import numpy as np
import pytest

from histoniche.errors import UnusableScan
from histoniche.imaging.nifti import check_grid, read_nifti
from scan_files import make_affine, save

DATA = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
AXES = [
    "".join(axes)
    for order in itertools.permutations(["RL", "AP", "SI"])
    for axes in itertools.product(*order)
]


@pytest.mark.parametrize("axes", AXES)
def test_every_order_of_axes_gives_the_same_volume(tmp_path, axes):
    save(DATA, tmp_path / "a.nii", axes=axes)
    volume = read_nifti(tmp_path / "a.nii", what="FA")
    assert np.array_equal(volume.data, DATA)
    assert np.array_equal(volume.affine, make_affine())
    assert volume.voxel_mm == (2.0, 2.0, 3.0)
    assert volume.oriented_by == "sform"


def test_oblique_volumes_equal_nibabels_closest_canonical(tmp_path):
    angle = np.radians(25)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    save(DATA, tmp_path / "a.nii.gz", affine=turn @ make_affine(), axes="PIL")
    expected = nibabel.as_closest_canonical(nibabel.load(tmp_path / "a.nii.gz"))
    volume = read_nifti(tmp_path / "a.nii.gz", what="FA")
    assert np.array_equal(volume.data, expected.get_fdata())
    assert volume.affine == pytest.approx(expected.affine, abs=1e-9)
    assert volume.voxel_mm == (2.0, 2.0, 3.0)


def test_scaled_integers_big_endian_and_nifti_2_are_read(tmp_path):
    for number, kind in enumerate([nibabel.Nifti1Image, nibabel.Nifti2Image]):
        image = kind(DATA, make_affine())
        image.header.set_data_dtype(np.int16)
        image = image.__class__(DATA, make_affine(), image.header.as_byteswapped(">"))
        nibabel.save(image, tmp_path / f"{number}.nii.gz")
        volume = read_nifti(tmp_path / f"{number}.nii.gz", what="FA")
        assert volume.data == pytest.approx(DATA, abs=2e-3)


def test_a_last_axis_of_one_is_dropped(tmp_path):
    save(DATA[..., None], tmp_path / "a.nii")
    assert read_nifti(tmp_path / "a.nii", what="FA").data.shape == (4, 5, 6)


def cut(content):
    return content[:-40]


def cut_packed(content):
    return gzip.compress(content)[:-100]


def flipped_checksum(content):
    packed = bytearray(gzip.compress(content))
    packed[-6] ^= 1
    return bytes(packed)


def text(content):
    return b"This is no volume.\n" * 50


def text_in_gzip(content):
    return gzip.compress(text(content))


def header_with(at, value):
    def change(content):
        changed = bytearray(content)
        changed[at : at + len(value)] = value
        return bytes(changed)

    return change


def absurd(content):
    """A header of 30000 x 30000 x 30000 voxels before nothing, 1 kB."""
    lengths = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], "<i2").tobytes()
    return gzip.compress(header_with(40, lengths)(content))


def bomb(content):
    """A header of 640 x 640 x 640 voxels before few: less than is allowed, more than fits."""
    lengths = np.array([3, 640, 640, 640, 1, 1, 1, 1], "<i2").tobytes()
    return gzip.compress(header_with(40, lengths)(content))


def short(*values):
    return np.array(values, "<i2").tobytes()


def real(*values):
    return np.array(values, "<f4").tobytes()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "the file is cut off; its header promises 832 bytes, it has 792"),
        (cut_packed, "the file is cut off or damaged"),
        (flipped_checksum, "the file is cut off or damaged"),
        (text, "not a NIfTI file"),
        (text_in_gzip, "not a NIfTI file"),
        (lambda content: b"", "not a NIfTI file"),
        (absurd, "30000 x 30000 x 30000 values, too many"),
        (bomb, "the file is cut off; its header promises 1048576352 bytes"),
        (header_with(40, short(0)), "states no grid"),
        (header_with(40, short(3, -4)), "states no grid"),
        (header_with(40, short(2)), "4 x 5 values and not 3 dimensions"),
        (header_with(70, short(1792)), "holds complex128 and not plain numbers"),
        (header_with(70, short(77)), "no known type of numbers"),
        (header_with(108, real(1e9)), "the data begin at byte 1e+09"),
        (header_with(108, real(0)), "the data begin at byte 0"),
        (header_with(123, b"\x01"), "gives its voxels in m;"),
        (header_with(280, real(np.nan)), "voxels of nan x 2 x 3 mm cannot be"),
        (header_with(280, real(0.002)), "voxels of 0.002 x 2 x 3 mm cannot be"),
        (header_with(280, real(2, 2, 0, 0, 2, 2, 0)), "nearly lie on each other"),
        (header_with(344, b"ni1\0"), "a pair of .hdr and .img"),
    ],
)
def test_a_bad_file_is_one_reason(tmp_path, damage, words):
    save(DATA, tmp_path / "a.nii")
    content = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "b.nii").write_bytes(damage(content))
    with pytest.raises(UnusableScan) as caught:
        read_nifti(tmp_path / "b.nii", what="FA")
    assert str(caught.value).startswith("FA")
    assert words in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_flipped_byte_anywhere_in_the_header_is_a_reason_or_harmless(tmp_path, kind):
    content = kind(DATA, make_affine()).to_bytes()
    random, refused = np.random.default_rng(0), 0
    path = tmp_path / "a.nii"
    for place in range(len(content) - DATA.nbytes):
        damaged = bytearray(content)
        damaged[place] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        try:
            assert read_nifti(path, what="FA").data.ndim == 3
        except UnusableScan:
            refused += 1
    assert refused > 20


def test_an_absurd_header_is_refused_before_anything_is_unpacked(tmp_path, monkeypatch):
    save(DATA, tmp_path / "a.nii")
    (tmp_path / "b.nii.gz").write_bytes(absurd((tmp_path / "a.nii").read_bytes()))
    read, taken = gzip.GzipFile.read, []
    monkeypatch.setattr(
        gzip.GzipFile, "read", lambda self, size=-1: taken.append(size) or read(self, size)
    )
    with pytest.raises(UnusableScan, match="too many"):
        read_nifti(tmp_path / "b.nii.gz", what="FA")
    assert taken == [348, 0]


def test_a_missing_file_is_a_reason(tmp_path):
    with pytest.raises(UnusableScan, match="FA: no such file"):
        read_nifti(tmp_path / "a.nii", what="FA")


def test_grids_agree_whatever_their_order_of_axes(tmp_path):
    save(DATA, tmp_path / "a.nii", axes="RAS")
    save(DATA, tmp_path / "b.nii", axes="SPL")
    first, second = (read_nifti(tmp_path / name, what="FA") for name in ("a.nii", "b.nii"))
    check_grid(first, second, what="MD", of="FA")
    moved = second._replace(affine=make_affine() + np.eye(4, k=3) * 0.19)
    check_grid(first, moved, what="MD", of="FA")
    moved = second._replace(affine=make_affine() + np.eye(4, k=3) * 0.5)
    with pytest.raises(UnusableScan, match=r"MD has another affine than FA: .* up to 0.5 mm apart"):
        check_grid(first, moved, what="MD", of="FA")
    smaller = second._replace(data=DATA[1:])
    with pytest.raises(UnusableScan, match="another grid than FA: 4 x 5 x 6 and 3 x 5 x 6"):
        check_grid(first, smaller, what="MD", of="FA")


@pytest.mark.parametrize("axes", ["RAS", "LPS", "ASR"])
@pytest.mark.parametrize("degrees", [0, 20])
def test_the_tilt_is_the_angle_between_slices_and_the_axial_plane(tmp_path, axes, degrees):
    """Turned about the axis from left to right; about the upright one nothing tilts."""
    angle = np.deg2rad(degrees)
    tilted = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    around = np.array([[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]])
    affine = make_affine()
    for turn in (tilted, around @ tilted):
        affine[:3, :3] = turn @ np.diag([2.0, 2.0, 3.0])
        save(np.ones((6, 7, 8), np.float32), tmp_path / "v.nii", affine, axes)
        found = read_nifti(tmp_path / "v.nii", what="FA")
        assert found.tilt_degrees == pytest.approx(degrees, abs=0.01)
