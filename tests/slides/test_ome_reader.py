import numpy as np
import pytest
import tifffile
import zarr

from histoniche.errors import UnusableSlide
from histoniche.slides.readers.choice import open_slide


@pytest.fixture
def ome_tiff(tmp_path, picture):
    """An OME-TIFF of 500 nm per pixel whose half lies in a SubIFD."""
    path = tmp_path / "slide.ome.tif"
    metadata = {
        "axes": "YXS",
        "PhysicalSizeX": 500,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 500,
        "PhysicalSizeYUnit": "nm",
    }
    options = {"tile": (64, 64), "photometric": "rgb", "compression": "deflate"}
    with tifffile.TiffWriter(path) as writer:
        writer.write(picture, subifds=1, metadata=metadata, **options)
        writer.write(np.ascontiguousarray(picture[::2, ::2]), subfiletype=1, **options)
    return path


def write_ome_zarr(path, picture, *, version=3, unit="micrometer"):
    axes = [
        {"name": "c", "type": "channel"},
        *({"name": name, "type": "space", "unit": unit} for name in "yx"),
    ]
    image = {
        "axes": axes,
        "datasets": [
            {
                "path": str(k),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1, 0.5 * 2**k, 0.5 * 2**k]}
                ],
            }
            for k in range(2)
        ],
    }
    group = zarr.create_group(path, zarr_format=version)
    for k in range(2):
        data = np.ascontiguousarray(picture[:: 2**k, :: 2**k].transpose(2, 0, 1))
        group.create_array(str(k), data=data, chunks=(3, 64, 64))
    group.attrs.update(
        {"ome": {"version": "0.5", "multiscales": [image]}} if version == 3
        else {"multiscales": [{**image, "version": "0.4"}]}
    )  # fmt: skip
    return path


@pytest.fixture(params=["tiff", "zarr 2", "zarr 3"])
def ome(request, tmp_path, picture):
    if request.param == "tiff":
        return request.getfixturevalue("ome_tiff")
    version = int(request.param[-1])
    return write_ome_zarr(tmp_path / "slide.ome.zarr", picture, version=version)


def test_an_ome_pyramid_is_read_with_its_own_resolution(ome, picture):
    with open_slide(ome, mpp=None) as slide:
        assert slide.levels == ((700, 500, 1.0), (350, 250, 2.0))
        assert slide.resolution == (pytest.approx(0.5), "ome")
        assert np.array_equal(slide.read(0, 37, 11, 200, 150), picture[11:161, 37:237])
        assert np.array_equal(slide.read(1, 0, 0, 350, 250), picture[::2, ::2])
        corner = slide.read(0, 650, -10, 100, 60)
    assert np.array_equal(corner[10:, :50], picture[:50, 650:])
    assert (corner[:10] == 255).all()
    assert (corner[:, 50:] == 255).all()


def test_the_sheet_wins_and_its_want_is_named(tmp_path, picture):
    path = write_ome_zarr(tmp_path / "a.zarr", picture, unit="pixel")
    with open_slide(path, mpp=0.25) as slide:
        assert slide.resolution == (0.25, "sheet")
    with pytest.raises(UnusableSlide, match="column mpp"), open_slide(path, mpp=None):
        pass


def test_fluorescence_is_no_rgb_image(tmp_path, picture):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, picture[..., 0].astype(np.uint16), metadata={"axes": "YX"})
    with pytest.raises(UnusableSlide, match="not an RGB image"), open_slide(path, mpp=1.0):
        pass


def test_a_zarr_that_is_no_image_says_so(tmp_path):
    zarr.create_group(tmp_path / "a.zarr")
    with (
        pytest.raises(UnusableSlide, match="no OME-Zarr image"),
        open_slide(tmp_path / "a.zarr", mpp=1.0),
    ):
        pass
