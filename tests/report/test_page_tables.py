"""Tables of the summary page: what cells sort by, tables of figures, and pages that stay small."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from markupsafe import Markup

from histoniche.report.blocks import (
    Bullets,
    Gallery,
    Link,
    Paragraph,
    Photo,
    Picture,
    Section,
    table,
)
from histoniche.report.budget import lighter, linked_pictures
from histoniche.report.figure_tables import MOST_ROWS, count_rows, small_table
from histoniche.report.numbers import format_interval, format_number, format_p, percent
from histoniche.report.page import render
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results
from histoniche.report.sections.citations import CITATIONS
from histoniche.report.sorting import sort_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.41 (1.61 to 3.52)", 2.41),
        ("−0.44 (−0.61 to 0.02)", -0.44),
        ("1,204", 1204),
        ("39 / 31", 39),
        ("7 of 40", 7),
        ("3.1e-5", 3.1e-5),
        ("4.1e−6", 4.1e-6),
        ("95\u00a0%", 95),
        ("∞", float("inf")),
        ("−∞", float("-inf")),
        ("412 d (301 to not reached)", 412),
        ("not reached", float("inf")),
        ("1.00 → 0.87 (± 0.03)", 1),
        ("p 0.034 (χ² 4.5, 1 df)", 0.034),
    ],
)
def test_a_cell_sorts_by_its_estimate(text, value):
    assert float(sort_value(text)) == value


@pytest.mark.parametrize("text", ["–", "", "none", "?"])
def test_a_cell_without_a_number_sorts_by_none(text):
    assert sort_value(text) == ""


def test_what_lies_below_a_number_sorts_just_before_it():
    texts = ["< 1e-300", "2.0e-5", "0.0009", "<0.001", "0.001", "0.42", ">0.99"]
    values = [float(sort_value(text)) for text in texts]
    assert values == sorted(values)
    assert len(set(values)) == len(values)
    assert float(sort_value("< −2")) < -2 < float(sort_value("> −2"))


def test_what_the_page_writes_sorts_as_the_numbers_do():
    numbers = [1e-300, 3.2e-7, 0.0004, 0.012, 0.3, 1.0, 47.0, 1200.0, 83_000.0]
    writers = (format_number, lambda value: format_interval(value, 0.0, 1e9, decimals=9))
    for write in writers:
        shown = [float(sort_value(write(value))) for value in numbers]
        assert shown == sorted(shown)
    shares = [0.0001, 0.05, 0.5, 0.999, 1.0]
    for write in (format_p, percent):
        shown = [float(sort_value(write(value))) for value in shares]
        assert shown == sorted(shown)


def test_cells_of_numbers_carry_their_value_and_others_do_not():
    rows = [("0.42 (0.1 to 0.9)", "0.42"), ("3", "–"), ("a1", "<1")]
    blocks = [table("T", (">a", ">b"), rows), table("U", ("c",), [rows[0][:1]])]
    page = render([Section("x", "X", blocks)], study={})
    assert page.count('data-value="0.42">0.42 (0.1 to 0.9)</td>') == 1
    assert '<td class="number">0.42</td>' in page and '<td class="number">3</td>' in page
    assert '<td class="number" data-value="">–</td>' in page
    assert '<td class="number" data-value="0.999999999">&lt;1</td>' in page
    assert "<td>0.42 (0.1 to 0.9)</td>" in page


@pytest.fixture
def figure(tmp_path):
    """Writes a figure's files, with this table."""

    def write(table: pd.DataFrame | None, name: str = "areas") -> Path:
        folder = tmp_path / "figures"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.svg"
        path.write_text("<svg><text>drawn</text></svg>")
        if table is not None:
            table.to_csv(path.with_suffix(".tsv"), sep="\t", index=False, na_rep="NA")
        return path

    return write


def test_a_small_table_of_a_figure_stands_as_in_its_file(figure):
    made = pd.DataFrame({"gene": ["A<b>", "NA", "7"], "rho": [0.25, None, 1e-9], "n": [1, 2, 3]})
    shown = small_table(figure(made).with_suffix(".tsv"), "T")
    assert [(column.name, column.number) for column in shown.columns] == [
        ("gene", False), ("rho", True), ("n", True),
    ]  # fmt: skip
    assert [tuple(row) for row in shown.rows] == [
        ("A<b>", "0.25", "1"), ("–", "–", "2"), ("7", "1e-09", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [0, 1, MOST_ROWS, MOST_ROWS + 1])
def test_only_tables_that_can_be_read_stand_on_the_page(figure, rows):
    path = figure(pd.DataFrame({"a": range(rows)})).with_suffix(".tsv")
    shown = small_table(path, "T")
    assert count_rows(path) == rows
    assert (shown is not None) == (0 < rows <= MOST_ROWS)
    assert shown is None or len(shown.rows) == rows
    wide = pd.DataFrame([range(100)] * 61)
    assert small_table(figure(wide).with_suffix(".tsv"), "T") is None


def test_a_figure_leads_to_its_files_and_its_table_is_one_click_away(figure, palette):
    few = figure(pd.DataFrame({"gene": ["<img src=x>"], "rho": [0.5]}), "few")
    many = figure(pd.DataFrame({"gene": ["G"] * 1500}), "many")
    run = Results({"figures": [few, many]}, {}, palette)
    pictures = [*picture_of(run, "few", "Few", "c"), *picture_of(run, "many", "Many", "c")]
    page = render([Section("x", "X", pictures)], study={})
    for name in ("few", "many"):
        for ending in ("svg", "png", "tsv"):
            assert f'<a href="figures/{name}.{ending}">{ending.upper()}</a>' in page
    assert "<summary>Table of this figure, 1 row</summary>" in page
    assert "<td>&lt;img src=x&gt;</td>" in page and "<img" not in page
    assert '<a href="figures/many.tsv">Table of this figure, 1,500 rows</a>' in page
    assert page.count("<details>") == 1


def test_a_figure_without_its_table_is_an_error_not_a_gap(figure, palette):
    run = Results({"figures": [figure(None)]}, {}, palette)
    with pytest.raises(FileNotFoundError):
        picture_of(run, "areas", "Areas", "")


def test_the_drawing_is_found_whatever_the_order_of_a_figures_files(figure, palette):
    path = figure(pd.DataFrame({"a": [1]}))
    files = [path.with_suffix(ending) for ending in (".png", ".tsv", ".svg")]
    assert Results({"figures": files}, {}, palette).figure("areas") == path


def picture(name, size):
    files = [Link(end.upper(), f"figures/{name}.{end}") for end in ("svg", "png", "tsv")]
    return Picture(name, "", drawing=Markup("<svg>" + "x" * size + "</svg>"), files=files)


def sections():
    photos = [Photo("S1", "", "data:image/jpeg;base64," + "A" * 500, "slides/S1/contour.png")]
    photos += [Photo("S2", "", "data:image/jpeg;base64," + "A" * 9000, "slides/S2/contour.png")]
    photos += [Photo("S3", "", None), Photo("S4", "", "data:" + "A" * 99999)]
    rows = table("T", ("a",), [("x" * 100,)] * 20)
    large = replace(picture("large", 8000), rows=rows, table=Link("20 rows", "figures/large.tsv"))
    blocks = [Paragraph("p"), large, picture("small", 300), Gallery("G", photos, "small")]
    return [Section("one", "One", blocks)]


def test_the_largest_pictures_are_linked_first_and_no_more_than_it_takes():
    first = sections()
    (section,) = lighter(first, 1)
    assert [photo.address for photo in section.blocks[3].photos][1] == "slides/S2/contour.png"
    assert section.blocks[1] == first[0].blocks[1] and section.blocks[2] == first[0].blocks[2]
    (section,) = lighter(first, 10_000)
    assert section.blocks[1].drawing is None
    assert section.blocks[1].address == "figures/large.svg"
    assert section.blocks[1].rows is not None
    assert section.blocks[2].drawing is not None
    assert section.blocks[3].photos[0].address.startswith("data:")
    assert linked_pictures([section]) == 2
    assert lighter(first, 0) == first


def test_all_that_has_a_file_can_be_linked_and_the_rest_stays():
    before = sections()
    (section,) = lighter(before, 10**9)
    assert linked_pictures([section]) == 4 and linked_pictures(before) == 0
    assert section.blocks[1].rows is None
    assert [photo.address for photo in section.blocks[3].photos][2:] == [
        photo.address for photo in before[0].blocks[3].photos
    ][2:]
    page = render([section], study={})
    assert "4 pictures stand in files beside it" in page
    assert 'src="figures/small.svg"' in page and 'src="slides/S1/contour.png"' in page
    assert '<a href="figures/large.tsv">Table of this figure, 20 rows</a>' in page
    assert "stand in files beside it" not in render(before, study={})


def test_a_drawing_that_would_be_slow_is_linked_as_its_picture():
    (section,) = lighter([Section("one", "One", [picture("huge", 700_000)])], 1)
    assert section.blocks[0].address == "figures/huge.png"


def test_dois_are_links_and_nothing_else_is():
    section = Section("x", "X", [Paragraph("A. doi:10.1038/s41598-020-75708-z. <b> http://x.y")])
    page = render([section], study={})
    assert (
        '<a href="https://doi.org/10.1038/s41598-020-75708-z">doi:10.1038/s41598-020-75708-z</a>.'
        in page
    )
    hostile = Paragraph('doi:10.1000/"onmouseover="alert(1) doi:javascript:1')
    page = render([Section("x", "X", [hostile])], study={})
    assert not re.search(r"<a[^>]*(onmouseover|javascript)", page)


def test_every_publication_has_a_doi_that_is_a_link_or_says_that_it_has_none():
    page = render([Section("x", "X", [Bullets(list(CITATIONS.values()))])], study={})
    items = re.findall(r"<li>(.*?)</li>", page[page.index('class="bullets"') :])
    assert len(items) == len(CITATIONS) > 40
    for name, item in zip(CITATIONS, items, strict=True):
        if "without a DOI" not in item:
            assert re.search(r'<a href="https://doi\.org/10\.[^"<>]+">doi:10\.[^<]+</a>$', item), (
                name
            )
    assert "/18%3C2529::AID-SIM274%3E3.0.CO;2-5" in page
