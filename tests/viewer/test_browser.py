"""The viewer in a real browser: Debian's Chromium, driven by Playwright.

Skipped where there is none: `make test-viewer` says what it needs. Pictures of the pages are kept
in results/viewer-screenshots, to be looked at.
"""

import json
import re

import numpy as np
import pytest

from browser import NEEDS_AXE, NEEDS_CHROMIUM
from histoniche.demo.layout import MPP
from viewer_browser import everybody_can_use, keep, until
from viewer_results import MAP_MPP, PALETTE, SIZE
from viewer_server import viewing

STEP = round(MAP_MPP / MPP)
# The browser says so where it keeps a script of the report from running.
BLOCKED = pytest.mark.parametrize(
    "meant", [r"status of 40\d|sandboxed|NotSameOrigin|inline script violates"]
)

pytestmark = [NEEDS_CHROMIUM, NEEDS_AXE]


@pytest.fixture(scope="module")
def running(made):
    with viewing(made.results, cwd=made.folder) as running:
        yield running


@pytest.fixture
def page(tab, running):
    """A page of a browser that logged in by the printed address."""
    tab.goto(running.address)
    tab.wait_for_url(f"{running.base}/")
    return tab


def settled(page):
    """Wait until all tiles of the view are there and drawn."""
    for _ in range(2):
        page.evaluate("document.getElementById('slide').osd?.forceRedraw()")
        page.wait_for_timeout(250)
        until(
            page,
            """() => { const world = document.getElementById("slide")?.osd?.world;
              const shown = document.querySelectorAll(".overlay input:checked").length;
              if (!world || world.getItemCount() < 1 + shown) return false;
              for (let k = 0; k < world.getItemCount(); k++) {
                const item = world.getItemAt(k);
                if (item.getOpacity() && !item.getFullyLoaded()) return false;
              }
              return true; }""",
        )


def rows(page, number):
    """Wait until a table has so many rows."""
    until(page, f"() => document.querySelectorAll('tbody tr').length === {number}")


def look(page, running, x, y, overlays):
    """Open a view of P1-1 at its own resolution."""
    page.goto("about:blank")
    shown = "+".join(f"{name}:1" for name in overlays)
    page.goto(f"{running.base}/slides/P1-1#x={x}&y={y}&scale=1&overlays={shown}")
    settled(page)


def pixels(page, x, y, around=0):
    """Colours that the canvas has about a point of level 0."""
    return page.evaluate(
        """([x, y, around]) => {
          const osd = document.getElementById("slide").osd;
          const slide = osd.world.getItemAt(0);
          const at = osd.viewport.pixelFromPoint(slide.imageToViewportCoordinates(x, y));
          const ratio = devicePixelRatio, side = 2 * around + 1;
          const data = osd.drawer.canvas.getContext("2d").getImageData(
            Math.round(at.x * ratio) - around, Math.round(at.y * ratio) - around, side, side).data;
          const found = [];
          for (let k = 0; k < data.length; k += 4) found.push([...data.slice(k, k + 3)]);
          return found; }""",
        [x, y, around],
    )


def legend(page, name):
    """Colours of an overlay's legend as the page shows them, by their words."""
    keys = page.locator(f"#overlay-{name}").locator("xpath=ancestor::div[@class='overlay']")
    return {
        line.locator("span").inner_text(): line.locator("rect").get_attribute("fill")
        for line in keys.locator(".legend li").all()
    }


def ramp(page, name):
    """Colours of an overlay's scale as the page shows them."""
    drawn = page.locator(f"#overlay-{name}").locator("xpath=ancestor::div[@class='overlay']")
    return [part.get_attribute("fill") for part in drawn.locator(".ramp rect").all()]


def numbers(colour):
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


def middle_of(labels, label):
    """The point of a region that lies deepest in it, in pixels of level 0."""
    import scipy.ndimage

    depth = scipy.ndimage.distance_transform_edt(labels == label)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(x), int(y)


def test_a_wrong_token_is_refused_and_the_right_one_opens(tab, running):
    tab.goto(f"{running.base}/slides/P1-1")
    assert "/login" in tab.url
    tab.get_by_label("Token").fill("wrong")
    tab.get_by_role("button", name="Log in").click()
    assert "That is not the token" in tab.get_by_role("alert").inner_text()
    keep(tab, "login")
    tab.get_by_label("Token").fill(running.token)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{running.base}/slides/P1-1*")
    assert tab.get_by_role("heading", name="Slide P1-1").is_visible()


def test_the_printed_address_logs_in_and_keeps_the_token_out_of_the_history(page, running):
    assert running.token not in page.url
    page.go_back()
    assert running.token not in page.url


def test_the_cohort_is_searched_while_typing_and_sorted_by_its_heads(page):
    assert page.locator("tbody tr").count() == 3
    keep(page, "cohort")
    page.get_by_label("Search this table").press_sequentially("methylated", delay=20)
    rows(page, 1)
    assert "q=methylated" in page.url
    assert page.evaluate("document.activeElement.id") == "q"
    page.get_by_label("Search this table").fill("nobody")
    page.get_by_role("link", name="Show all rows").click()
    rows(page, 3)
    page.get_by_role("link", name="age").click()
    assert page.locator("th[aria-sort='ascending']").inner_text().startswith("age")
    assert page.locator("tbody th").all_inner_texts() == ["P2", "P3", "P1"]


def test_a_slide_opens_with_its_regions_and_zooms(page, running):
    page.goto(f"{running.base}/slides/P1-1")
    settled(page)
    keep(page, "slide")
    settled(page)
    assert page.locator("#overlay-regions").is_checked()
    wide = page.locator("#length").inner_text()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(900)
    settled(page)
    assert page.locator("#length").inner_text() != wide
    zoom = "document.getElementById('slide').osd.viewport.getZoom(true)"
    near = page.evaluate(zoom)
    page.locator(".openseadragon-canvas").first.focus()
    page.keyboard.press("Shift+ArrowUp")
    page.wait_for_timeout(900)
    assert page.evaluate(zoom) > near
    page.get_by_role("button", name="Whole slide").click()
    page.wait_for_timeout(900)
    assert page.evaluate(zoom) == pytest.approx(1, rel=0.5)


def test_the_bar_of_scale_is_as_long_as_it_says(page, running):
    look(page, running, 900, 900, [])
    words = page.locator("#length").inner_text()
    um = float(words.split()[0]) * {"µm": 1, "mm": 1000}[words.split()[1]]
    length = float(page.locator("#bar rect").get_attribute("width"))
    assert um == pytest.approx(length * MPP, rel=1e-3)
    assert 40 <= length <= 120


def test_regions_on_the_canvas_have_the_colours_of_the_legend(page, running, made):
    labels = made.labels["P1-1"]
    for entry in PALETTE[1:]:
        x, y = middle_of(labels, entry["label"])
        look(page, running, x, y, ["regions"])
        assert pixels(page, x, y)[0] == numbers(legend(page, "regions")[entry["name"]])


def test_each_overlay_is_toggled_and_has_the_colours_of_its_legend(page, running, made):
    labels = made.labels["P1-1"]
    x, y = middle_of(labels, 3)
    x, y = ((k // (SIZE * STEP)) * SIZE * STEP + SIZE * STEP // 2 for k in (x, y))
    look(page, running, x, y, [])
    plain = pixels(page, x, y)[0]
    names = [box.get_attribute("id") for box in page.locator("input[type=checkbox]").all()]
    for name in (one.removeprefix("overlay-") for one in names):
        if name == "tissue":
            continue
        page.locator(f"#overlay-{name}").check()
        page.locator(f"#overlay-{name}-opacity").fill("1")
        settled(page)
        keys = {tuple(numbers(colour)) for colour in legend(page, name).values()}
        scale = np.array([numbers(colour) for colour in ramp(page, name)])
        found = pixels(page, x, y)[0]
        if len(scale):
            # Colours between two of the scale's steps are on it too.
            steps = np.linspace(0, len(scale) - 1, 1000)
            between = [np.interp(steps, np.arange(len(scale)), band) for band in scale.T]
            assert np.abs(np.stack(between, -1) - found).max(axis=1).min() <= 4, name
        else:
            assert tuple(found) in keys, name
        page.locator(f"#overlay-{name}").uncheck()
        settled(page)
        assert pixels(page, x, y)[0] == plain, name


def test_the_tissue_is_outlined_in_the_legends_colour(page, running, made):
    text = (made.results / "slides" / "P1-1" / "tissue.geojson").read_text()
    ring = json.loads(text)["features"][0]["geometry"]["coordinates"][0][0]
    # The middle of the longest straight part.
    ends = np.array([ring[:-1], ring[1:]])
    longest = np.hypot(*(ends[1] - ends[0]).T).argmax()
    x, y = (float(k) for k in ends[:, longest].mean(axis=0))
    look(page, running, x, y, ["tissue"])
    (colour,) = legend(page, "tissue").values()
    assert numbers(colour) in pixels(page, x, y, around=3)


def test_opacity_lets_the_slide_through(page, running, made):
    x, y = middle_of(made.labels["P1-1"], 3)
    look(page, running, x, y, ["regions"])
    full = np.array(pixels(page, x, y)[0])
    page.locator("#overlay-regions-opacity").fill("0")
    page.wait_for_timeout(500)
    none = np.array(pixels(page, x, y)[0])
    page.locator("#overlay-regions-opacity").fill("0.5")
    page.wait_for_timeout(500)
    assert np.abs(np.array(pixels(page, x, y)[0]) - (full + none) / 2).max() <= 2


def test_a_link_reproduces_a_view(page, running, made):
    x, y = middle_of(made.labels["P1-1"], 6)
    look(page, running, x, y, ["regions", "trait-egfr"])
    page.locator("#overlay-regions-opacity").fill("0.35")
    page.wait_for_timeout(500)
    link = page.url
    assert "regions%3A0.35" in link
    page.goto("about:blank")
    page.goto(link)
    settled(page)
    assert page.locator("#overlay-trait-egfr").is_checked()
    assert page.locator("#overlay-regions-opacity").input_value() == "0.35"
    centre = page.evaluate(
        """() => { const osd = document.getElementById("slide").osd;
          const slide = osd.world.getItemAt(0);
          const at = slide.viewportToImageCoordinates(osd.viewport.getCenter());
          return [at.x, at.y, 1 / slide.viewportToImageZoom(osd.viewport.getZoom())]; }"""
    )
    assert centre == pytest.approx([x, y, 1], abs=0.2)


def test_a_link_to_a_view_survives_the_login(tab, running):
    tab.goto(f"{running.base}/slides/P1-1#x=400&y=300&scale=2&overlays=cartography:0.5")
    tab.get_by_label("Token").fill(running.token)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{running.base}/slides/P1-1*")
    settled(tab)
    assert tab.locator("#overlay-cartography").is_checked()
    assert not tab.locator("#overlay-regions").is_checked()


def test_pages_are_used_by_the_keyboard_with_the_focus_in_sight(page, running):
    page.goto(f"{running.base}/slides/P1-1")
    settled(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        style = page.evaluate(
            """() => { const one = document.activeElement, look = getComputedStyle(one);
              return [one.id || one.className || one.textContent.trim(), look.outlineStyle]; }"""
        )
        reached.add(style[0])
        # After the last of the page the browser's own parts come.
        if page.evaluate("document.activeElement !== document.body"):
            assert style[1] != "none", style
    assert {"closer", "farther", "whole", "link", "overlay-regions", "overlay-tissue"} <= reached
    page.locator("#overlay-tissue").focus()
    page.keyboard.press("Space")
    assert page.locator("#overlay-tissue").is_checked()


PAGES = {
    "cohort": "/",
    "patient": "/patients/P1",
    "slide": "/slides/P1-1",
    "unreadable": "/slides/P2-1",
    "survival": "/findings/survival",
    "signatures": "/tables/omics/signatures",
    "nothing": "/nothing",
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_every_page(page, running, name):
    page.goto(f"{running.base}{PAGES[name]}")
    if name == "slide":
        settled(page)
        for box in page.locator("input[type=checkbox]").all():
            box.check()
        settled(page)
    if name not in ("cohort", "slide"):
        keep(page, name)
    everybody_can_use(page)


@BLOCKED
def test_markup_in_names_does_nothing(page, running):
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    for address in ("/", "/patients/P2", "/slides/P2-2", "/tables/omics/signatures",
                    "/findings/survival", "/figures/cox.svg", "/report/"):  # fmt: skip
        page.goto(f"{running.base}{address}")
        page.wait_for_timeout(200)
    assert asked == []


@BLOCKED
def test_the_report_is_shown_with_its_own_styles(page, running):
    page.get_by_role("link", name="Report").click()
    heading = page.get_by_role("heading", name="Summary")
    assert re.fullmatch(r"rgb\(0, 128, 128\)", heading.evaluate("e => getComputedStyle(e).color"))
    picture = page.get_by_alt_text("Cox")
    assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") == 640
    page.get_by_role("link", name="figures/cox.svg").click()
    assert page.locator("text").text_content() == "Hazard ratio, n = 2"
