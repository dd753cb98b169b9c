"""A slide sent in a real browser, from the form to what was found; pages refreshed in the midst."""

import os
import re
import shutil
import signal

import pytest

from browser import NEEDS_AXE, NEEDS_CHROMIUM
from finished_run import CUT, SCORE, TRAITS
from histoniche.tables import read_table
from histoniche.viewer.tables import written
from histoniche.viewer.uploads.processes import processes_of
from viewer_browser import everybody_can_use, keep, until
from viewer_server import viewing

SVS = "CMU-1-Small-Region.svs"
HOSTILE = "<img src=x onerror=alert(1)>.svs"
TOKEN = "a-token-that-nobody-guesses"

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM, NEEDS_AXE]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sent") / "uploads"


@pytest.fixture
def meant(meant):
    """Beside what is meant elsewhere, that a killed viewer does not answer, and a wrong kind."""
    return f"{meant}|ERR_CONNECTION_REFUSED|status of 415"


@pytest.fixture
def serve(finished, folder):
    """Starts the viewer; a killed one can be started again at the same port."""
    token = finished.folder / "browser-token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    settings = ["--config", "config.yaml", "--uploads", str(folder), "--cores", "2"]

    def start(port=None):
        return viewing(
            finished.results,
            *(*settings, "--token-file", str(token)),
            cwd=finished.folder,
            port=port,
        )

    return start


def enter(tab, running):
    tab.goto(running.address)
    tab.wait_for_url(f"{running.base}/")


def heading(tab):
    return tab.locator("h1").inner_text()


def test_a_slide_goes_from_the_form_to_its_maps_through_refreshes_and_a_kill(
    tab, serve, folder, real_data
):
    slide = real_data / "slides" / SVS
    with serve() as running:
        enter(tab, running)
        tab.get_by_role("link", name="Uploads").click()
        assert tab.get_by_text("Nothing yet").is_visible()
        everybody_can_use(tab)
        # The third chunk waits until the page has been left.
        tab.route(re.compile("/chunks/3$"), lambda route: None)
        tab.get_by_label("Choose a slide, or drop it here").set_input_files(slide)
        tab.get_by_role("button", name="Send").click()
        until(tab, "() => document.getElementById('share').textContent === '38 %'")
        keep(tab, "sending")
        everybody_can_use(tab)
        address = tab.url
        assert re.search(r"/uploads/u[0-9a-f]{16}$", address)
        upload = address.rpartition("/")[2]

        tab.reload()
        tab.unroute_all(behavior="ignoreErrors")
        assert "3 of 8 parts are here" in tab.locator("#job").inner_text()
        keep(tab, "going-on")
        everybody_can_use(tab)
        again = tab.get_by_label(f"Choose {SVS} again")
        again.set_input_files(real_data / "slides" / "broken.svs")
        tab.get_by_role("button", name="Go on").click()
        assert f"That is not {SVS}" in tab.get_by_role("alert").inner_text()
        sent = []
        tab.on("request", lambda request: sent.append(request.url.rpartition("/")[2])
               if "/chunks/" in request.url else None)  # fmt: skip
        again.set_input_files(slide)
        tab.get_by_role("button", name="Go on").click()
        tab.wait_for_selector(".stages")
        # One that was there, so that the server sees that it is the same file, and the missing.
        assert sent == ["0", "3", "4", "5", "6", "7"]

        tab.locator("[data-progress='done']").first.wait_for(timeout=120_000)
        keep(tab, "job")
        everybody_can_use(tab)
        tab.reload()
        assert tab.locator("[data-progress='done']").count() >= 1
        os.kill(running.process, signal.SIGKILL)
        for process in processes_of(folder / upload):
            os.kill(process, signal.SIGKILL)
        until(tab, "() => !document.getElementById('lost').hidden")
        keep(tab, "no-answer")
        port = int(running.base.rpartition(":")[2])
    with serve(port) as running:
        # Another start knows nobody; the page asks, and leads back.
        tab.wait_for_url(re.compile("/login"))
        tab.get_by_label("Token").fill(TOKEN)
        tab.keyboard.press("Enter")
        tab.wait_for_url(address)
        tab.get_by_role("link", name="Open what was found").wait_for(timeout=240_000)
        assert tab.locator("[data-progress='done']").count() == tab.locator(".stages li").count()
        keep(tab, "done")
        everybody_can_use(tab)

        tab.get_by_role("link", name="Open what was found").click()
        assert heading(tab) == SVS
        assert "Research use only. Not for diagnosis." in tab.get_by_role("note").inner_text()
        tab.locator("#overlay-regions").wait_for()
        names = [box.get_attribute("id") for box in tab.locator("input[type=checkbox]").all()]
        assert {"overlay-regions", *(f"overlay-trait-{name}" for name in TRAITS)} <= set(names)
        assert "mm²" in tab.locator("table.areas").inner_text()
        # By the mean of the run's networks, on the side of the run's cut-point.
        found = read_table(folder / upload / "results" / "slide_signature" / "scores.parquet")
        side = tab.get_by_label("What was found", exact=True).inner_text()
        assert f"Risk: {SCORE}" in side
        assert written(found[SCORE][0]) in side
        assert f"high, above {CUT:g}" in side
        for name in TRAITS:
            tab.locator(f"#overlay-trait-{name}").check()
            drawn(tab)
            keep(tab, f"found-{name}")
            drawn(tab)
            tab.locator(f"#overlay-trait-{name}").uncheck()
        everybody_can_use(tab)

        tab.get_by_role("link", name="Uploads", exact=True).first.click()
        keep(tab, "uploads")
        everybody_can_use(tab)
        tab.get_by_role("link", name=SVS, exact=True).click()
        tab.get_by_text("Remove", exact=True).click()
        tab.get_by_role("button", name="Remove for good").click()
        assert tab.get_by_text("Nothing yet").is_visible()
        assert not (folder / upload).exists()


def drawn(tab):
    """Wait until all tiles of the view are there."""
    until(
        tab,
        """() => { const world = document.getElementById("slide")?.osd?.world;
          if (!world || !world.getItemCount()) return false;
          for (let k = 0; k < world.getItemCount(); k++)
            if (!world.getItemAt(k).getFullyLoaded()) return false;
          return true; }""",
    )


def test_a_file_that_is_no_slide_is_refused_in_words_and_its_name_does_nothing(
    tab, serve, tmp_path
):
    asked = []
    tab.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    path = tmp_path / HOSTILE
    path.write_text("This is no slide.\n" * 100)
    with serve() as running:
        enter(tab, running)
        tab.goto(f"{running.base}/uploads")
        tab.get_by_label("Choose a slide, or drop it here").set_input_files(path)
        tab.get_by_role("button", name="Send").click()
        tab.get_by_text("The slide cannot be used").wait_for(timeout=60_000)
        assert heading(tab) == HOSTILE
        keep(tab, "refused")
        everybody_can_use(tab)
        assert asked == []
        shutil.copy(path, tmp_path / "slide.exe")
        tab.get_by_role("link", name="Send another").click()
        tab.get_by_label("Choose a slide, or drop it here").set_input_files(tmp_path / "slide.exe")
        tab.keyboard.press("Tab")
        tab.get_by_role("button", name="Send").press("Enter")
        assert "Send one of .svs" in tab.get_by_role("alert").inner_text()
        keep(tab, "wrong-kind")
        everybody_can_use(tab)
