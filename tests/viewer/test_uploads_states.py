"""Pages of uploads in every state they can be in, in a real browser; nothing works on them."""

import threading
import time

import pytest
import uvicorn

from browser import NEEDS_AXE, NEEDS_CHROMIUM
from histoniche.viewer import assets
from histoniche.viewer.app import create_app
from histoniche.viewer.security import Gate
from histoniche.viewer.uploads.desk import LOG
from upload_desk import make_desk
from viewer_browser import everybody_can_use, keep
from viewer_server import free_port

TOKEN = "a-token-that-nobody-guesses"
NAME = "TCGA-02-0001-01Z-00-DX1.83fce43e-42ac-4dcd-b156-2908e75f2e47.svs"
REASONS = {
    "refused": "only 0.02 mm² of tissue",
    "failed": "The workflow stopped",
}
# What each page offers beside removal, by what one presses.
WAYS = {
    "receiving": "Go on",
    "checking": "Cancel",
    "refused": "Send another",
    "queued": "Cancel",
    "running": "Cancel",
    "failed": "Try again",
    "cancelled": "Try again",
}

pytestmark = [NEEDS_CHROMIUM, NEEDS_AXE]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    desk = make_desk(folder / "run", folder / "uploads")
    for state in WAYS:
        upload = desk.receiver.start(NAME, size=700 << 20, mpp=None)
        own = desk.folder / upload.id
        (own / "slide.svs").touch()
        if state in ("running", "failed", "cancelled"):
            _work(desk, upload, own)
        desk.store.move(upload.id, "receiving", to=state, reason=REASONS.get(state, ""))
    yield desk
    desk.stop()


def _work(desk, upload, own):
    """Leave what a job leaves whose third stage has begun."""
    stages = desk.plan.stages(upload)
    for path in (*(stage.output for stage in stages[:2]), *(stage.log for stage in stages[:3])):
        (own / "results" / path).parent.mkdir(parents=True, exist_ok=True)
        (own / "results" / path).touch()
    line = "error: no tile of 512 px at 0.5 µm per pixel fits into the slide; see quality.tsv"
    (own / LOG).write_text("Cutting the slide into cell tiles\n" * 12 + line)


@pytest.fixture(scope="module")
def base(index, desk):
    """A viewer without its lifespan, so that the queue stays as it is."""
    port = free_port()
    app = create_app(
        index,
        Gate(TOKEN, hours=1),
        openseadragon=assets.find_openseadragon(),
        hosts=["127.0.0.1"],
        desk=desk,
    )
    settings = uvicorn.Config(app, port=port, lifespan="off", log_level="warning")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(tab, base):
    tab.goto(f"{base}/uploads")
    tab.get_by_label("Token").fill(TOKEN)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{base}/uploads")
    return tab


def test_the_list_says_of_each_how_it_stands(page):
    words = page.locator(".queue .state").all_inner_texts()
    assert words == [
        *("cancelled", "failed", "under way", "waiting", "refused", "being checked"),
        "not whole yet",
    ]
    keep(page, "queue")
    everybody_can_use(page)


@pytest.mark.parametrize("state", WAYS)
def test_every_state_has_a_page_that_leads_on(page, base, desk, state):
    (upload,) = (one for one in desk.store.all() if one.state == state)
    page.goto(f"{base}/uploads/{upload.id}")
    assert "Research use only" in page.get_by_role("note").inner_text()
    main = page.locator("#main")
    way = main.get_by_text(WAYS[state], exact=True)
    assert way.is_visible()
    assert REASONS.get(state, "") in main.inner_text()
    if state in ("running", "failed"):
        assert page.locator("[data-progress='done']").count() == 2
        assert page.locator(".stages li").count() > 3
    if state == "running":
        assert "2 of 10 done" in main.inner_text()
    if state == "failed":
        assert "no tile of 512 px" in page.locator("#lines").inner_text()
        assert "no tile of 512 px" in page.locator(".problem").first.inner_text()
    keep(page, f"state-{state}")
    everybody_can_use(page)


def test_removal_is_asked_for_twice(page, base, desk):
    (upload,) = (one for one in desk.store.all() if one.state == "cancelled")
    page.goto(f"{base}/uploads/{upload.id}")
    assert page.get_by_role("button", name="Remove for good").is_hidden()
    page.get_by_text("Remove", exact=True).click()
    keep(page, "removal")
    everybody_can_use(page)
    page.get_by_role("button", name="Remove for good").click()
    page.wait_for_url(f"{base}/uploads")
    assert not (desk.folder / upload.id).exists()
