import json

import numpy as np
import pytest
import shapely
import zarr

from histoniche.errors import InputError
from histoniche.slides.annotations.annotation import Frame
from histoniche.slides.annotations.choice import check_annotation, open_annotation
from histoniche.slides.annotations.rasterise import inside

PALETTE = [
    {"label": 0, "region": "background", "name": "Background", "colour": "#FFFFFF"},
    {"label": 1, "region": "CT", "name": "Cellular tumour", "colour": "#FF0000"},
    {"label": 2, "region": "LE", "name": "Leading edge", "colour": "#0000FF"},
]
FRAME = Frame(1000, 800, 0.5)


def write_geojson(path, features):
    content = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(shape),
                "properties": {"classification": {"name": name}} if name else {},
            }
            for name, shape in features
        ],
    }
    path.write_text(json.dumps(content))
    return path


def whole(annotation, *, footprint=100.0, size=100):
    """All tiles of the slide put together, (1000, 1000)."""
    rows = [
        np.hstack(
            [annotation.tile(x * footprint, y * footprint, footprint, size) for x in range(10)]
        )
        for y in range(10)
    ]
    return np.vstack(rows)


@pytest.fixture
def star():
    """A jagged polygon with a hole."""
    angles = np.linspace(0, 2 * np.pi, 41)[:-1]
    radii = np.where(np.arange(40) % 2, 330.0, 210.0)
    outer = np.column_stack([500 + radii * np.cos(angles), 400 + radii * np.sin(angles)])
    return shapely.Polygon(outer, [[(450, 350), (560, 380), (500, 470)]])


def test_a_polygon_becomes_label_tiles_of_its_area(tmp_path, star):
    path = write_geojson(tmp_path / "a.geojson", [("CT", star)])
    labels = whole(open_annotation(path, FRAME, PALETTE))
    assert (labels == 1).sum() == pytest.approx(star.area, rel=0.01)
    assert set(np.unique(labels)) == {1, 255}
    areas = open_annotation(path, FRAME, PALETTE).areas_mm2()
    assert areas == [0, pytest.approx(star.area * 0.25 / 1e6), 0]


@pytest.mark.parametrize(("footprint", "size"), [(100.0, 25), (87.3, 64)])
def test_at_any_scale_a_polygon_keeps_its_area(tmp_path, star, footprint, size):
    path = write_geojson(tmp_path / "a.geojson", [("Cellular Tumour", star)])
    annotation = open_annotation(path, FRAME, PALETTE)
    count = sum(
        (annotation.tile(x * footprint, y * footprint, footprint, size) == 1).sum()
        for x in range(12)
        for y in range(12)
    )
    assert count * (footprint / size) ** 2 == pytest.approx(star.area, rel=0.01)


def test_pixels_are_those_whose_centres_geos_finds_inside(star):
    xs, ys = np.arange(150.0, 850), np.arange(50.0, 760, 1.7)
    rings = [shapely.get_coordinates(ring) for ring in (star.exterior, *star.interiors)]
    expected = shapely.contains_xy(star, *np.meshgrid(xs, ys))
    assert np.array_equal(inside(rings, xs, ys), expected)


def test_neighbours_share_no_pixel_and_leave_none_out():
    grid = np.arange(0, 11, 1.0)
    left = np.array([(0, 0), (5, 0), (3, 10), (0, 10)])
    right = np.array([(5, 0), (10, 0), (10, 10), (3, 10)])
    both = inside([left], grid, grid).astype(int) + inside([right], grid, grid)
    assert (both[:-1, :-1] == 1).all()


def test_the_later_polygon_counts_and_the_slide_ends_at_its_edge(tmp_path):
    features = [("CT", shapely.box(0, 0, 1500, 600)), ("LE", shapely.box(100, 100, 200, 200))]
    path = write_geojson(tmp_path / "a.geojson", features)
    annotation = open_annotation(path, FRAME, PALETTE)
    labels = whole(annotation)
    assert (labels[100:200, 100:200] == 2).all()
    assert (labels == 1).sum() == 600_000 - 10_000
    assert (labels[800:] == 255).all()
    assert annotation.areas_mm2() == [0, pytest.approx(0.1475), pytest.approx(0.0025)]


def test_unknown_classes_are_listed(tmp_path):
    box = shapely.box(0, 0, 9, 9)
    path = write_geojson(tmp_path / "a.geojson", [("Tumor", box), ("Stroma", box), ("", box)])
    with pytest.raises(InputError, match=r"classes .*: \(no class\), Stroma, Tumor; name them"):
        open_annotation(path, FRAME, PALETTE)


def test_collections_are_unpacked_and_other_slides_refused(tmp_path):
    inner = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)])
    both = shapely.GeometryCollection([inner, shapely.Point(5, 5)])
    path = write_geojson(tmp_path / "a.geojson", [("CT", both)])
    assert open_annotation(path, FRAME, PALETTE).areas_mm2()[1] == pytest.approx(200 * 0.25 / 1e6)
    path = write_geojson(tmp_path / "b.geojson", [("CT", shapely.box(2000, 0, 2100, 50))])
    with pytest.raises(InputError, match="no polygon lies on the slide"):
        open_annotation(path, FRAME, PALETTE)


@pytest.mark.parametrize(
    "geometry",
    [
        '{"type": "Foo", "coordinates": []}',
        '{"type": "Polygon", "coordinates": [[[0, 0], [NaN, 5], [5, 5], [0, 0]]]}',
    ],
)
def test_geometries_that_are_none_are_one_line(tmp_path, geometry):
    path = tmp_path / "a.geojson"
    path.write_text('{"features": [{"geometry": ' + geometry + "}]}")
    with pytest.raises(InputError, match="no GeoJSON"):
        check_annotation(path, FRAME, coarsest_mpp=1.0)


@pytest.mark.parametrize("text", ["", "{}", '{"features": 3}', '{"features": [{"geometry": 1}]}'])
def test_what_is_no_geojson_is_one_line(tmp_path, text):
    path = tmp_path / "a.geojson"
    path.write_text(text)
    with pytest.raises(InputError, match="no GeoJSON") as caught:
        check_annotation(path, FRAME, coarsest_mpp=1.0)
    assert "\n" not in str(caught.value)


def write_labels(path, labels, *, version="0.5"):
    image = {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "0"}]}
    group = zarr.create_group(path, zarr_format=3 if version == "0.5" else 2)
    group.create_array("0", data=labels, chunks=(64, 64))
    attributes = {"version": version, "multiscales": [image]}
    group.attrs.update({"ome": attributes} if version == "0.5" else attributes)
    return path


def test_a_label_image_of_many_blocks_is_counted_once(tmp_path):
    labels = np.full((4100, 2100), 255, np.uint8)
    labels[10:4090, 20:2050] = 1
    labels[2040:2060, 2040:2060] = 2
    annotation = open_annotation(
        write_labels(tmp_path / "a.zarr", labels), Frame(4200, 8200, 1.0), PALETTE
    )
    areas = annotation.areas_mm2()
    share = 4200 * 8200 / labels.size / 1e6
    assert areas[1] == pytest.approx((labels == 1).sum() * share)
    assert areas[2] == pytest.approx(400 * share)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_label_images_are_read_where_they_are_needed(tmp_path, version):
    labels = np.random.default_rng(0).choice([0, 1, 2, 255], (400, 500)).astype(np.int32)
    path = write_labels(tmp_path / "a.zarr", labels, version=version)
    check_annotation(path, FRAME, coarsest_mpp=1.0)
    annotation = open_annotation(path, FRAME, PALETTE)
    expected = np.kron(labels, np.ones((2, 2))).astype(np.uint8)
    assert np.array_equal(whole(annotation)[:800], expected)
    assert (whole(annotation)[800:] == 255).all()
    counts = [(labels == label).sum() * 1e-6 for label in (0, 1, 2)]
    assert annotation.areas_mm2() == pytest.approx(counts)


def test_unknown_labels_are_listed_and_coarse_images_refused(tmp_path):
    path = write_labels(tmp_path / "a.zarr", np.full((400, 500), 7, np.uint8))
    with pytest.raises(InputError, match="labels that the palette does not have: 7"):
        open_annotation(path, FRAME, PALETTE)
    with pytest.raises(InputError, match="coarser"):
        check_annotation(path, FRAME, coarsest_mpp=0.6)
    zarr.create_group(tmp_path / "b.zarr")
    with pytest.raises(InputError, match="no OME-Zarr label image"):
        open_annotation(tmp_path / "b.zarr", FRAME, PALETTE)
