import numpy as np
import pytest
from PIL import Image
from torchstain.numpy.normalizers.macenko import NumpyMacenkoNormalizer
from torchstain.numpy.normalizers.reinhard import NumpyReinhardNormalizer

from histoniche.errors import InputError, UnusableSlide
from histoniche.slides.stain import describe_stain, fit_stain

STAINS = np.array([[0.65, 0.70, 0.29], [0.20, 0.84, 0.50]])


def tissue(strength, seed, *, tilt=0.0):
    """Haematoxylin and eosin in changing amounts, (64, 64, 3)."""
    rng = np.random.default_rng(seed)
    amounts = rng.gamma(2, 0.3, (64, 64, 2)) * strength
    density = amounts @ (STAINS + np.array([[tilt, 0, 0], [0, 0, tilt]]))
    return np.clip(240 * np.exp(-density), 0, 255).astype(np.uint8)


@pytest.fixture
def reference(tmp_path):
    path = tmp_path / "reference.png"
    Image.fromarray(tissue(1.0, 1)).save(path)
    return path


def test_macenko_on_one_image_is_that_of_torchstain(reference):
    picture = tissue(0.7, 2, tilt=0.1)
    theirs = NumpyMacenkoNormalizer()
    theirs.fit(np.asarray(Image.open(reference)))
    expected, _, _ = theirs.normalize(picture, stains=False)
    ours = fit_stain("macenko", [picture], reference).apply(picture)
    assert np.abs(ours.astype(int) - expected).max() <= 1


def test_macenko_without_a_reference_takes_the_published_stains():
    picture = tissue(0.7, 2, tilt=0.1)
    expected, _, _ = NumpyMacenkoNormalizer().normalize(picture, stains=False)
    ours = fit_stain("macenko", [picture], None).apply(picture)
    assert np.abs(ours.astype(int) - expected).max() <= 1


def test_reinhard_on_one_image_is_that_of_torchstain(reference):
    picture = tissue(0.7, 2, tilt=0.1)
    theirs = NumpyReinhardNormalizer()
    theirs.fit(np.asarray(Image.open(reference)))
    expected = theirs.normalize(picture)
    ours = fit_stain("reinhard", [picture], reference).apply(picture)
    assert np.abs(ours.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("method", ["macenko", "reinhard"])
def test_two_stainings_come_nearer_and_tiles_keep_their_relation(reference, method):
    weak, strong = tissue(0.5, 3), tissue(1.4, 3, tilt=0.05)
    changed = [
        fit_stain(method, [one], reference).apply(one).astype(float) for one in (weak, strong)
    ]
    before = np.abs(weak.mean((0, 1)) - strong.mean((0, 1))).mean()
    after = np.abs(changed[0].mean((0, 1)) - changed[1].mean((0, 1))).mean()
    assert after < 0.2 * before
    # A pale tile of a slide stays paler than its others.
    pale, dark = tissue(0.3, 4), tissue(1.2, 5)
    stain = fit_stain(method, [pale, dark], reference)
    assert stain.apply(pale).mean() > stain.apply(dark).mean() + 10


def test_the_reference_is_recorded(reference):
    stain = fit_stain("macenko", [tissue(1, 0)], reference)
    words = describe_stain("macenko", stain, reference)
    assert words["reference"]["name"] == "reference.png"
    assert len(words["reference"]["sha256"]) == 64
    assert np.shape(words["stains"]) == (3, 2)
    assert describe_stain("macenko", stain, None)["reference"] is None


def test_what_cannot_be_normalised_says_why(tmp_path, reference):
    with pytest.raises(UnusableSlide, match="stains cannot be told apart"):
        fit_stain("macenko", [np.full((9, 9, 3), 255, np.uint8)], None)
    with pytest.raises(UnusableSlide, match="one colour"):
        fit_stain("reinhard", [np.full((9, 9, 3), 200, np.uint8)], reference)
    with pytest.raises(UnusableSlide, match="one colour"):
        fit_stain("macenko", [np.full((64, 64, 3), (150, 90, 140), np.uint8)], None)
    Image.new("RGB", (99, 99), "white").save(tmp_path / "white.png")
    with pytest.raises(InputError, match=r"stain.reference.*too few of its pixels"):
        fit_stain("macenko", [tissue(1, 0)], tmp_path / "white.png")
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(InputError, match="not a picture"):
        fit_stain("reinhard", [tissue(1, 0)], tmp_path / "a.png")
