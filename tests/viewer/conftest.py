"""The viewer of a small results folder, with and without a login."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from histoniche.cohort.config import check_config
from histoniche.viewer.app import create_app
from histoniche.viewer.index import Index
from histoniche.viewer.pictures import Pictures
from histoniche.viewer.security import Gate, Guard
from histoniche.viewer.settings import Settings
from histoniche.viewer.sources import read_sources
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
