"""The summary page in a real browser: sorting, searching, the keyboard, and what may not run.

Skipped where there is no Chromium.
"""

import re
import zlib

import pytest

from browser import CHROMIUM, FLAGS, NEEDS_AXE, NEEDS_CHROMIUM
from histoniche.report.blocks import Gallery, Link, Photo, Picture, Section, Swatches, table
from histoniche.report.page import render
from viewer_browser import everybody_can_use

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"
ROWS = [
    ("GENE10", "0.42", "2.41 (1.61 to 3.52)"),
    ("GENE9", "< 1e-300", "−0.50 (−1.00 to 0.10)"),
    (HOSTILE, "3.1e-5", "10.00"),
    ("GENE1", "–", "∞"),
]
WIDE = [f"0.{k:02} (0.{k:02} to 1.{k:02})" for k in range(10)]
SHEET = 688
"""Width of a sheet of A4 between its margins, in px."""
LONG = [(f"HALLMARK SET {k}", f"{k}") for k in range(1, 13)]

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page with a short and a long table, one in a figure, and a linked picture."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "figures").mkdir()
    size = 'xmlns="http://www.w3.org/2000/svg" width="40" height="20"'
    (folder / "figures" / "x.svg").write_text(f'<svg {size}><rect width="40" height="20"/></svg>')
    files = [Link(end.upper(), f"figures/x.{end}") for end in ("svg", "png", "tsv")]
    drawn = table("Table of the figure: X", ("gene", ">rho"), [("ONLYHERE", "0.5")] * 2)
    blocks = [
        table("Short", ("gene", ">p", ">effect"), ROWS),
        table("Long", ("set", ">n"), LONG),
        Picture("X", "", address="figures/x.svg", files=files, rows=drawn,
                table=Link("2 rows", "figures/x.tsv")),
        Picture("Y", "", address="figures/x.svg", files=files,
                table=Link("9,000 rows", "figures/y.tsv")),
        Gallery("Slides", [Photo("P01-A", "", None)], "small"),
        table("Wide", ("region", *[f">measure {k}" for k in range(10)]), [("CT", *WIDE)]),
        Swatches([("#05D004", "CT", "Cellular tumour")]),
    ]  # fmt: skip
    out = folder / "summary.html"
    out.write_text(render([Section("glance", "Glance", blocks)], study={"title": HOSTILE}))
    return out


@pytest.fixture
def page(chromium, written):
    """The page as opened from the disk; what it complains of fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints, asked = [], []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(written.as_uri())
    yield page
    context.close()
    assert complaints == []
    assert all(url.startswith(written.parent.as_uri()) for url in asked)


def column(page, title, place):
    cells = page.locator(f"table:has(caption:text-is('{title}')) tbody tr:visible")
    return [row.locator("td").nth(place).inner_text() for row in cells.all()]


def streams(path):
    """What a PDF draws."""
    for part in re.findall(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.S):
        try:
            yield zlib.decompress(part)
        except zlib.error:
            continue


def head(page, title, name):
    table = page.locator(f"table:has(caption:text-is('{title}'))")
    return table.locator("th", has=page.get_by_role("button", name=name, exact=True))


def test_a_column_of_numbers_sorts_by_number_and_back(page):
    own = head(page, "Short", "p")
    written = column(page, "Short", 1)
    assert own.get_attribute("aria-sort") == "none"
    own.get_by_role("button").click()
    assert own.get_attribute("aria-sort") == "ascending"
    assert column(page, "Short", 1) == ["< 1e-300", "3.1e-5", "0.42", "–"]
    own.get_by_role("button").click()
    assert own.get_attribute("aria-sort") == "descending"
    assert column(page, "Short", 1) == ["0.42", "3.1e-5", "< 1e-300", "–"]
    own.get_by_role("button").click()
    assert own.get_attribute("aria-sort") == "none"
    assert column(page, "Short", 1) == written


def test_intervals_sort_by_their_estimate_and_names_as_people_count(page):
    head(page, "Short", "effect").get_by_role("button").click()
    assert [cell.split()[0] for cell in column(page, "Short", 2)] == ["−0.50", "2.41", "10.00", "∞"]
    head(page, "Short", "gene").get_by_role("button").click()
    assert head(page, "Short", "effect").get_attribute("aria-sort") == "none"
    assert column(page, "Short", 0)[1:] == ["GENE1", "GENE9", "GENE10"]


def test_sorting_needs_no_mouse(page):
    own = head(page, "Long", "n")
    own.get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert own.get_attribute("aria-sort") == "descending"
    assert column(page, "Long", 1)[:3] == ["12", "11", "10"]


def test_long_tables_are_searched_and_short_ones_have_no_field(page):
    fields = page.get_by_label("Search this table")
    assert fields.count() == 1
    fields.fill("hallmark_set 1")
    assert column(page, "Long", 1) == ["1", "10", "11", "12"]
    assert page.get_by_role("status").filter(has_text="4 of 12 rows").is_visible()
    fields.fill("")
    assert len(column(page, "Long", 1)) == 12


def test_a_gene_is_found_wherever_it_stands_even_in_a_closed_table(page):
    find = page.get_by_label("Find a gene")
    find.fill("onlyhere")
    link = page.get_by_role("link", name="Table of the figure: X: 2 rows")
    link.wait_for()
    assert page.get_by_text("ONLYHERE").first.is_hidden()
    link.click()
    assert page.get_by_text("ONLYHERE").first.is_visible()
    assert page.locator("tr.hit").count() == 2
    find.fill("p01-a")
    page.get_by_role("link", name="Slides: 1 picture").wait_for()
    assert page.locator("tr.hit").count() == 0
    find.fill("nowhere at all")
    page.get_by_text("No table of this page has it.").wait_for()


def test_hostile_names_stay_text(page):
    assert page.title() == HOSTILE
    assert HOSTILE in column(page, "Short", 0)
    assert page.locator("main table img").count() == 0


def test_no_other_script_runs_even_if_one_came_in(chromium, written, tmp_path):
    text = written.read_text()
    attack = "<script>document.title = 'owned'</script><b onclick=\"document.title='owned'\">x</b>"
    (tmp_path / "attacked.html").write_text(text.replace("<main>", f"<main>{attack}"))
    context = chromium.new_context()
    page = context.new_page()
    page.goto((tmp_path / "attacked.html").as_uri())
    page.locator("main > b").click()
    assert page.title() == HOSTILE
    assert page.get_by_label("Find a gene").is_visible(), "the page's own script ran"
    context.close()


def test_a_linked_picture_is_shown_from_beside_the_page(page):
    picture = page.locator("figure img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('figure img').complete")
    assert picture.evaluate("image => image.naturalWidth") == 40


def test_printing_hides_the_controls_and_shows_every_row(page):
    page.get_by_label("Search this table").fill("set 12")
    assert len(column(page, "Long", 1)) == 1
    page.emulate_media(media="print")
    assert len(column(page, "Long", 1)) == 12
    assert page.get_by_label("Search this table").is_hidden()
    assert page.get_by_label("Find a gene").is_hidden()
    # Heads that hold a control would not be repeated on the next sheet.
    displays = page.locator(".sort").evaluate_all(
        "all => all.map(e => getComputedStyle(e).display)"
    )
    assert set(displays) == {"contents"}


def test_a_narrow_screen_shows_the_page_and_scrolls_its_tables_alone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    wide = page.locator("table:has(caption:text-is('Wide'))")
    assert wide.bounding_box()["width"] > 390
    assert wide.locator("xpath=..").evaluate("e => getComputedStyle(e).overflowX") == "auto"


@NEEDS_AXE
def test_everybody_can_use_the_page(page):
    page.get_by_role("button", name="Open all tables of figures").click()
    everybody_can_use(page)


def test_a_printed_page_says_where_closed_tables_are_and_has_those_that_are_open(page):
    places = [page.get_by_text(words) for words in (": figures/x.tsv", ": figures/y.tsv")]
    assert not any(place.is_visible() for place in places)
    page.emulate_media(media="print")
    assert all(place.is_visible() for place in places)
    assert page.get_by_text("ONLYHERE").first.is_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Open all tables of figures").click()
    page.emulate_media(media="print")
    assert page.get_by_text("ONLYHERE").first.is_visible()
    assert places[0].is_hidden()
    assert page.get_by_role("button", name="tables of figures").is_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Close all tables of figures").click()
    assert page.get_by_text("ONLYHERE").first.is_hidden()


def test_no_table_is_wider_than_the_sheet_and_makes_all_else_small(page):
    page.set_viewport_size({"width": SHEET, "height": 900})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") == SHEET
    wide = page.locator("table:has(caption:text-is('Wide')) td").nth(1)
    assert wide.inner_text() == WIDE[0]
    assert wide.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > 9


def test_no_figure_is_taller_than_the_sheet(page):
    page.emulate_media(media="print")
    tall = page.locator("figure img").first
    tall.evaluate("image => { image.style.height = '3000px'; }")
    # 297 mm less the margins, and room for the caption.
    assert tall.bounding_box()["height"] < 225 * 96 / 25.4


def test_the_page_prints_to_a_file_with_the_colours_of_the_regions(page, tmp_path):
    # Browsers leave grounds away in print, and a swatch is nothing else.
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert b".0196 .8157 .0157 rg" in b"".join(streams(tmp_path / "page.pdf"))


def test_every_section_leads_back_to_the_contents(page):
    page.locator("#glance").get_by_role("link", name="Contents").click()
    assert page.url.endswith("#contents")


def test_without_scripts_the_tables_stand_as_written(chromium, written):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(written.as_uri())
    assert column(page, "Long", 0) == [name for name, _ in LONG]
    assert page.locator("input").count() == 0
    page.locator("summary").click()
    assert page.get_by_text("ONLYHERE").first.is_visible()
    context.close()
