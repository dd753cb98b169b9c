"""What tests of the viewer in a real browser share: pictures of pages, accessibility."""

import json

from browser import AXE
from study import CHECKOUT

PICTURES = CHECKOUT / "results" / "viewer-screenshots"
WIDTHS = (1280, 390)


def keep(page, name):
    """Keep pictures of a page at both widths."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900 if width > 600 else 844})
        page.wait_for_timeout(700)
        page.screenshot(path=PICTURES / f"{name}-{width}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide on a screen of {width}"
    page.set_viewport_size({"width": 1280, "height": 900})


def until(page, holds):
    """Wait for a function of the page; its policy forbids Playwright's own way, which is eval."""
    for _ in range(200):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never: {holds}")


def everybody_can_use(page):
    """Check a page's accessibility, light and dark."""
    page.evaluate(AXE.read_text())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run()")
        problems = {
            one["id"]: [node["html"][:200] for node in one["nodes"]] for one in found["violations"]
        }
        assert problems == {}, f"{scheme}: {json.dumps(problems, indent=1)}"
        assert len(found["passes"]) > 10
    page.emulate_media(color_scheme="light")
