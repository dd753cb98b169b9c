"""The viewer of a small results folder, with and without a login."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from browser import CHROMIUM, FLAGS
from finished_run import finish_run
from histoniche.cohort.config import check_config
from histoniche.viewer.app import create_app
from histoniche.viewer.index import Index
from histoniche.viewer.pictures import Pictures
from histoniche.viewer.security import Gate, Guard
from histoniche.viewer.settings import Settings
from histoniche.viewer.sources import read_sources
from study import Study
from viewer_results import Made, make_results

TOKEN = "a-token-that-nobody-guesses"
BASE = "http://127.0.0.1:8765"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A small results folder; copy it before changing it."""
    slides = check_config({"cohort": {"patients": "-"}}, file="-")["slides"]
    folder = tmp_path_factory.mktemp("viewer") / "made"
    return make_results(folder, limits=slides["limits"], settings=slides)


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Made:
    """A copy of the results that may be changed; its slides stay where they were."""
    shutil.copytree(made.results, tmp_path / "made" / "results", symlinks=True)
    return Made(tmp_path / "made", made.labels)


@pytest.fixture(scope="session")
def index(made: Made) -> Index:
    return Index(made.results, read_sources(made.config))


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands for OpenSeadragon where no browser runs it."""
    path = tmp_path_factory.mktemp("script") / "openseadragon.min.js"
    path.write_text("// draws slides")
    return path


def application(index: Index, script: Path, pictures: Pictures | None = None) -> Guard:
    return create_app(
        index,
        Gate(TOKEN, hours=12),
        openseadragon=script,
        hosts=["127.0.0.1", "localhost"],
        settings=Settings(tile_px=256),
        pictures=pictures or Pictures(index, Settings(tile_px=256)),
    )


def log_in(client: TestClient) -> TestClient:
    page = client.get("/login").text
    form = re.search(r'name="form" value="([^"]+)"', page)
    assert form
    answer = client.post("/login", data={"token": TOKEN, "form": form.group(1)})
    assert answer.status_code == 200
    return client


@pytest.fixture(scope="session")
def finished(
    small_cohort: Path, small_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Study:
    """A run with finished models; tests must leave it as they found it."""
    return finish_run(small_cohort, small_config, tmp_path_factory.mktemp("finished"))


@pytest.fixture
def stranger(index: Index, script: Path) -> Iterator[TestClient]:
    """A browser that has not logged in."""
    with TestClient(application(index, script), base_url=BASE) as client:
        yield client


@pytest.fixture
def client(stranger: TestClient) -> TestClient:
    """A browser that has logged in."""
    return log_in(stranger)


@pytest.fixture
def browse(script: Path) -> Iterator[Callable[[Index], TestClient]]:
    """Logs a browser in to the viewer of any results."""
    with ExitStack() as stack:

        def enter(index: Index, pictures: Pictures | None = None) -> TestClient:
            client = TestClient(application(index, script, pictures), base_url=BASE)
            return log_in(stack.enter_context(client))

        yield enter


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def meant() -> str:
    """Complaints of the browser that are meant: pages that are not there, and sealed files."""
    return r"status of 40\d|document is sandboxed|BLOCKED_BY_RESPONSE.NotSameOrigin"


@pytest.fixture
def tab(chromium: Any, meant: str) -> Iterator[Any]:
    """A page of a browser that has not logged in; whatever it complains of fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: (
            complaints.append(line.text)
            if line.type == "error" and not re.search(meant, line.text)
            else None
        ),
    )
    yield page
    context.close()
    assert complaints == []
