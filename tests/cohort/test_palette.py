import pytest

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.errors import InputError


def test_the_shipped_palette_has_ivy_gap_regions_and_colours():
    palette = read_palette(find_palette("ivygap"))
    assert [region.region for region in palette[1:]] == [
        "LE", "IT", "CT", "CTpnz", "CTpan", "CTmvp", "CTne",
    ]  # fmt: skip
    assert palette[1].rgb == (33, 143, 166)
    assert palette[6].rgb == (255, 102, 0)


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ("0\tbackground\tBackground\t#FFFFFF\n2\tA\tA\t#000000\n", "do not run 0, 1, 2"),
        ("0\tbackground\tBackground\twhite\n", "write #RRGGBB"),
        ("0\tb\tB\t#FFFFFF\n1\tA\tA\t#ffffff\n", "stands twice"),
        ("0\tb\tB\t#FFFFFF\n1\tA<b>\tA\t#000000\n", "letters and digits"),
    ],
)
def test_a_bad_palette_gives_one_line(tmp_path, rows, word):
    path = tmp_path / "palette.tsv"
    path.write_text("label\tregion\tname\tcolour\n" + rows)
    with pytest.raises(InputError, match=word):
        read_palette(path)
