import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel

from histoniche.errors import UnusableScan
from histoniche.imaging.nifti import Volume
from histoniche.imaging.tensors import (
    check_directions,
    find_brain,
    fit_scan,
    fit_tensor,
    tensor_volumes,
)
from scan_files import make_affine, save

DATA = Path(os.environ.get("HISTONICHE_DATA", Path(__file__).parents[3] / "shared" / "data"))
SMALL = DATA / "mri" / "small_64D.nii"


def make_directions(count, seed=0):
    """One b0, then `count` directions at b = 1000 s/mm2."""
    vectors = np.random.default_rng(seed).standard_normal((count, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.array([0.0] + [1000.0] * count), np.vstack([np.zeros(3), vectors])


def signal(tensor, bvals, bvecs):
    """Signal of one voxel whose diffusion tensor is given in mm2/s."""
    return 800 * np.exp(-bvals * np.einsum("ni,ij,nj->n", bvecs, tensor, bvecs))


def fit_one(tensor):
    bvals, bvecs = make_directions(20)
    data = np.tile(signal(tensor, bvals, bvecs), (2, 2, 2, 1))
    maps = fit_tensor(data, bvals, bvecs, np.ones((2, 2, 2), bool))
    return {name: float(values[0, 0, 0]) for name, values in maps.items()}


def test_an_isotropic_phantom_has_no_anisotropy_and_its_own_diffusivity():
    maps = fit_one(np.eye(3) * 0.7e-3)
    assert maps["FA"] == pytest.approx(0, abs=1e-5)
    assert [maps[name] for name in ("MD", "AD", "RD")] == pytest.approx([0.7] * 3, rel=1e-5)


def test_a_turned_tensor_has_the_eigenvalues_it_was_made_of():
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    values = np.array([1.7e-3, 0.5e-3, 0.3e-3])
    maps = fit_one(turn @ np.diag(values) @ turn.T)
    spread = ((values - values.mean()) ** 2).sum() / (values**2).sum()
    assert maps["FA"] == pytest.approx(np.sqrt(1.5 * spread), rel=1e-5)
    assert maps["MD"] == pytest.approx(values.mean() * 1e3, rel=1e-5)
    assert maps["AD"] == pytest.approx(1.7, rel=1e-5)
    assert maps["RD"] == pytest.approx(0.4, rel=1e-5)


@pytest.mark.skipif(
    not SMALL.is_file(), reason=f"no real data at {SMALL}; set HISTONICHE_DATA to its folder"
)
def test_a_real_volume_gives_dipys_own_maps(tmp_path):
    """Its axes run otherwise than ours, and its table of vectors is N x 3 with NaN at b0."""
    image = nibabel.load(SMALL)
    bvals, bvecs = (np.loadtxt(SMALL.with_suffix(end)) for end in (".bval", ".bvec"))
    table = gradient_table(bvals, bvecs=np.nan_to_num(bvecs))
    inside = np.ones(image.shape[:3], bool)
    inside[:, 0] = False
    fit = TensorModel(table, fit_method="WLS").fit(image.get_fdata(), mask=inside)
    save(inside.astype(np.uint8), tmp_path / "brain.nii", affine=image.affine)

    canonical = nibabel.as_closest_canonical
    brain = canonical(nibabel.Nifti1Image(inside.astype(np.uint8), image.affine))
    row = {"dwi": SMALL, "bvals": SMALL.with_suffix(".bval"), "bvecs": SMALL.with_suffix(".bvec")}
    given = Volume(brain.get_fdata() > 0, brain.affine, "sform")
    volumes, maps, used, gradients = fit_scan(row, given)
    assert gradients == "64 directions, b up to 1003 s/mm2"
    assert used is given and volumes.data.shape == (10, 10, 10, 65)
    assert list(maps) == ["FA", "MD", "AD", "RD"]
    for name, values in zip(maps, (fit.fa, fit.md, fit.ad, fit.rd), strict=True):
        expected = canonical(nibabel.Nifti1Image(values, image.affine)).get_fdata()
        scale = 1 if name == "FA" else 1e3
        assert maps[name] == pytest.approx(expected * scale, abs=1e-5)
        assert (maps[name][used.data] > 0).mean() > 0.99
        assert (maps[name][~used.data] == 0).all()


def test_the_brain_is_found_on_the_b0_volumes():
    bvals, _ = make_directions(6)
    x, y, z = np.meshgrid(*[np.linspace(-1.2, 1.2, 32)] * 3, indexing="ij")
    ball = x**2 + y**2 + z**2 < 0.8
    noise = np.random.default_rng(0).normal(0, 5, (32, 32, 32, 7))
    data = np.where(ball[..., None], 500, 20) + noise
    data[..., 1:] = 20
    found = find_brain(data, bvals)
    assert 2 * (found & ball).sum() / (found.sum() + ball.sum()) > 0.95


def test_both_shapes_of_vectors_and_nan_at_b0_are_read():
    bvals, bvecs = make_directions(6)
    torn = np.where(bvals[:, None] > 0, bvecs, np.nan)
    for table in (bvecs, bvecs.T, torn, torn.T):
        assert np.array_equal(check_directions(bvals, table, volumes=7)[1], bvecs)


def with_changes(*, count=6, bvals=None, bvecs=None):
    own_bvals, own_bvecs = make_directions(count)
    return (
        own_bvals if bvals is None else bvals(own_bvals),
        own_bvecs if bvecs is None else bvecs(own_bvecs),
    )


FLAT = np.array([[np.cos(angle), np.sin(angle), 0] for angle in np.arange(6) * np.pi / 6])


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (with_changes(count=5), "6 b-values for 7 volumes"),
        (with_changes(bvecs=lambda own: own[1:]), "6 b-vectors for 7 volumes"),
        (with_changes(bvecs=lambda own: own[:, :2]), "a table of 7 x 2, not 3 x N"),
        (with_changes(bvals=lambda own: own + 800), "no b0: every b-value is above 50"),
        (with_changes(bvals=lambda own: own / 1000), "no b-value is above 50"),
        (with_changes(bvals=lambda own: -own), "not all numbers from 0 up"),
        (with_changes(bvals=lambda own: own * np.nan), "not all numbers from 0 up"),
        (with_changes(bvecs=lambda own: own * 0.9), r"6 b-vectors are not of length 1 \(.* 0.9\)"),
        (with_changes(bvecs=lambda own: own * np.nan), "6 b-vectors are not of length 1"),
        (
            with_changes(bvecs=lambda own: np.vstack([own[:6], -own[1]])),
            "5 directions; the tensor needs at least 6",
        ),
        (
            with_changes(bvecs=lambda own: np.vstack([own[:1], FLAT])),
            "6 directions lie so that they leave the tensor open",
        ),
    ],
)
def test_directions_that_do_not_fit_are_one_reason(tables, words):
    with pytest.raises(UnusableScan, match=words):
        check_directions(*tables, volumes=7)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "bvals: empty"), ("0 a b", "not a table of numbers"), ("0 1\n2", "not a table")],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_tables_that_cannot_be_read_are_one_reason(tmp_path, text, words):
    _, bvecs = make_directions(6)
    save(np.ones((3, 3, 3, 7), np.float32), tmp_path / "d.nii", affine=make_affine())
    np.savetxt(tmp_path / "bvecs", bvecs.T)
    (tmp_path / "bvals").write_text(text)
    row = {"dwi": tmp_path / "d.nii", "bvals": tmp_path / "bvals", "bvecs": tmp_path / "bvecs"}
    with pytest.raises(UnusableScan, match=words):
        fit_scan(row, None)
    (tmp_path / "bvals").unlink()
    with pytest.raises(UnusableScan, match="bvals: no such file"):
        fit_scan(row, None)


def kurtotic(bvals, md=0.8e-3, excess=1.0):
    """Signal of tissue that hinders water alike in all directions, but not as one exponential."""
    return 900 * np.exp(-bvals * md + (bvals * md) ** 2 * excess / 6)


def write_shells(folder, strengths):
    """Raw volumes of a cube of such tissue: b0, then a shell of 30 directions a strength."""
    bvecs = np.vstack([np.zeros(3), *(make_directions(30, seed=k)[1][1:] for k in range(9))])
    bvals = np.array([0.0, *np.repeat(strengths, 30)])
    data = np.tile(kurtotic(bvals), (4, 4, 4, 1)).astype(np.float32)
    np.savetxt(folder / "bvals", bvals[None])
    np.savetxt(folder / "bvecs", bvecs[: len(bvals)].T)
    save(data, folder / "d.nii", affine=make_affine())
    return {"dwi": folder / "d.nii", "bvals": folder / "bvals", "bvecs": folder / "bvecs"}


def test_strong_gradients_do_not_lower_the_diffusivity(tmp_path):
    brain = Volume(np.ones((4, 4, 4), bool), make_affine(), "sform")
    for name in ("one", "three", "strong"):
        (tmp_path / name).mkdir()
    plain = fit_scan(write_shells(tmp_path / "one", [1000]), brain)
    shells = fit_scan(write_shells(tmp_path / "three", [1000, 2000, 3000]), brain)
    assert shells.gradients == "30 directions, b up to 1000 s/mm2; 60 stronger volumes left out"
    assert shells.maps["MD"] == pytest.approx(plain.maps["MD"], rel=1e-4)
    # Where there is nothing else they are taken, and the table says so.
    strong = fit_scan(write_shells(tmp_path / "strong", [3000]), brain)
    assert strong.gradients == "30 directions, b up to 3000 s/mm2"
    assert (strong.maps["MD"] < 0.8 * plain.maps["MD"]).all()


def test_weak_gradients_of_too_few_directions_are_not_fitted_alone():
    bvals, bvecs = make_directions(20)
    bvals[5:] = 2500
    assert tensor_volumes(bvals, bvecs).all()
    # A shell of 1500 s/mm2 as scanners write it.
    bvals[1:12] = 1510
    assert tensor_volumes(bvals, bvecs).tolist() == [True] * 12 + [False] * 9
