"""Which combination of traits each tile shows, as a map."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.slides.store import write_columns
from histoniche.tables import write_table
from histoniche.traits.colours import NO_POSITIVE, as_rgb, combination_colours
from histoniche.traits.heterogeneity_map import (
    combinations,
    draw_heterogeneity_map,
    kinds_of,
    map_heterogeneity,
)
from histoniche.traits.painting import pale_colours

# Columns: A, B, both, none, no tile, one trait without a tile.
TENSOR = np.array([[[1, 0, 1, 0, -1, 1]], [[0, 1, 1, 0, -1, -1]]], np.int8)


def test_combinations_are_numbered_by_their_traits():
    assert combinations(TENSOR).tolist() == [[1, 2, 3, 0, -1, -1]]


def test_up_to_four_traits_are_named_and_counted():
    numbers, kinds = kinds_of(combinations(TENSOR), ["A", "B"])
    names = [kinds[number].name if number >= 0 else "" for number in numbers[0]]
    assert names == ["A only", "B only", "A + B", "no trait", "", ""]
    assert [kind.tiles for kind in kinds] == [1, 1, 1, 1]
    assert kinds[0].colour == NO_POSITIVE
    _, four = kinds_of(np.arange(16)[None], list("ABCD"))
    names = [kind.name for kind in four]
    assert names[:5] == ["no trait", "A only", "B only", "C only", "D only"]
    assert names[-1] == "A + B + C + D" and len(set(names)) == 16
    assert {kind.colour for kind in four} == {NO_POSITIVE, *combination_colours(4)}
    assert all(kind.tiles == 1 for kind in four)


def test_one_trait_is_called_by_its_name():
    _, kinds = kinds_of(np.array([[0, 1]]), ["no trait"])
    assert [kind.name for kind in kinds] == ["no trait", "no trait"]


def test_more_traits_are_coloured_by_how_many_are_positive():
    numbers, kinds = kinds_of(np.array([[0, 1, 16, 31, 5, -1]]), list("ABCDE"))
    assert numbers.tolist() == [[0, 1, 1, 5, 2, -1]]
    assert [kind.name for kind in kinds[1:3]] == ["1 of 5 traits", "2 of 5 traits"]
    assert [kind.tiles for kind in kinds] == [1, 2, 1, 0, 0, 1]


def test_cells_stand_where_the_tiles_stood():
    overview = np.full((100, 600, 3), 255, np.uint8)
    options = {"slide": "S1", "traits": ["A", "B"], "hti": 1.0}
    drawn = draw_heterogeneity_map(TENSOR, overview, cell_um=50, overview_um=0.5, **options)
    pixels = np.asarray(drawn)
    # 480 px of overview from 28 + 480 + 28 on, a cell each 80 px.
    for column, code in enumerate((1, 2, 3)):
        colour = pale_colours(as_rgb([combination_colours(2)[code - 1]]))[0]
        area = pixels[74 + 5 : 74 + 75, 536 + 80 * column + 5 : 536 + 80 * column + 75]
        assert (np.abs(area.astype(int) - colour).max(-1) <= 1).all()
    assert (pixels[80:140, 536 + 325 : 536 + 395] == 255).all()


def test_a_tensor_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit 3 traits"):
        draw_heterogeneity_map(
            TENSOR, np.zeros((9, 9, 3), np.uint8), slide="S", traits=list("ABC"), hti=0.0,
            cell_um=1, overview_um=1,
        )  # fmt: skip


@pytest.fixture
def mapped(tmp_path, thumbnail, make_store):
    """Draws a map from files, written as the stages before do; the table knows S1 alone."""

    def draw(tensor=TENSOR, hti=0.5, slide="S1", traits=("A", "B")):
        folder, table, out = tmp_path / "c.zarr", tmp_path / "hti.parquet", tmp_path / "map.png"
        told = {"slide": slide, "status": "ok", "traits": ["A", "B"], "mpp": 8.0}
        count = int((tensor[:1] >= 0).sum())
        with whole_folder(folder) as temporary:
            write_columns(temporary, {"calls": tensor}, told, count=count)
        rows = pd.DataFrame({"slide": "S1", "score": ["HTI", "other"], "hti": [hti, 0.9]})
        write_table(rows, table)
        map_heterogeneity(folder, make_store(), thumbnail, table, out, score="HTI", traits=traits)
        return Image.open(out)

    return draw


@pytest.mark.parametrize("hti", [0.5, np.nan])
def test_a_map_is_drawn_from_files(mapped, hti):
    assert mapped(hti=hti).width > 1000


def test_a_map_may_be_of_some_of_the_traits(mapped):
    both, one = np.asarray(mapped()), np.asarray(mapped(traits=["B"]))
    colour = pale_colours(as_rgb([combination_colours(1)[0]]))[0]
    # Of the trait B alone, two of five tiles are positive.
    assert (np.abs(one.astype(int) - colour).max(-1) <= 1).sum() > 2 * 75**2
    assert (both != one[: both.shape[0], : both.shape[1]]).any()


def test_no_tile_repeats_the_thumbnail(mapped):
    assert mapped(tensor=np.zeros((2, 0, 0), np.int8)).size == (24, 16)


def test_a_slide_that_the_table_lacks_is_said(mapped):
    with pytest.raises(InputError, match="0 rows of slide S2 and score HTI"):
        mapped(slide="S2")
