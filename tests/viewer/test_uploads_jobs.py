"""Jobs of uploads in a real server: killed with all that runs, started again, cancelled."""

import os
import re
import shutil
import signal
import time
from contextlib import contextmanager

import httpx
import pytest
import yaml

from browser import NEEDS_OPENSEADRAGON
from histoniche.files import read_json
from histoniche.tables import read_table
from histoniche.viewer.uploads.processes import leader_of, processes_of
from viewer_server import viewing

SVS = "CMU-1-Small-Region.svs"
TOKEN = "a-token-that-nobody-guesses"

pytestmark = [pytest.mark.slow, NEEDS_OPENSEADRAGON]


@pytest.fixture(scope="module")
def shown(finished):
    """The finished run as if it told no traits, which take longer than the regions."""
    left_out = ("traits", "slide_signature")
    config = {key: finished.config[key] for key in finished.config if key not in left_out}
    config["tilings"] = {"region": finished.config["tilings"]["region"]}
    (finished.folder / "regions.yaml").write_text(yaml.safe_dump(config))
    token = finished.folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    return finished


class Browser:
    """Somebody who is logged in to a server."""

    def __init__(self, running):
        self.running = running
        self.client = httpx.Client(base_url=running.base, follow_redirects=True, timeout=60)
        page = self.client.get("/login").text
        self.form = re.search(r'name="form" value="([^"]+)"', page).group(1)
        self.client.post("/login", data={"token": TOKEN, "form": self.form})

    def send(self, path):
        content = path.read_bytes()
        data = {"name": path.name, "size": len(content), "form": self.form}
        begun = self.client.post("/uploads", data=data).json()
        upload, chunk = begun["id"], begun["chunk"]
        for number, start in enumerate(range(0, len(content), chunk)):
            answer = self.client.put(
                f"/uploads/{upload}/chunks/{number}",
                content=content[start : start + chunk],
                headers={"x-form": self.form},
            )
            assert answer.status_code == 200, answer.text
        return upload

    def state(self, upload):
        return self.client.get(f"/uploads/{upload}/state.json").json()

    def wait(self, upload, holds, seconds=300):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            now = self.state(upload)
            if holds(now):
                return now
            assert now["state"] not in ("failed", "refused"), now
            time.sleep(0.2)
        raise AssertionError(f"never: {now}")


@contextmanager
def serving(shown, folder):
    """A server of the run that takes uploads into a folder."""
    arguments = ["--config", "regions.yaml", "--uploads", str(folder), "--cores", "1"]
    with viewing(shown.results, *arguments, "--token-file", "token", cwd=shown.folder) as running:
        yield running


def under_way(now):
    return "under way" in now["stages"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "uploads"


def test_a_job_ends_though_server_and_snakemake_are_killed_in_the_midst(shown, folder, real_data):
    with serving(shown, folder) as running:
        browser = Browser(running)
        upload = browser.send(real_data / "slides" / SVS)
        waits = browser.send(real_data / "slides" / SVS)
        browser.wait(upload, lambda now: now["stages"][2] == "done" and under_way(now))
        assert browser.wait(waits, lambda now: now["state"] == "queued")["ahead"] == 1
        os.kill(running.process, signal.SIGKILL)
        for process in processes_of(folder / upload):
            os.kill(process, signal.SIGKILL)
    assert any((folder / upload / ".snakemake" / "locks").iterdir())
    with serving(shown, folder) as running:
        browser = Browser(running)
        # The one that waited is taken out, so that this test is short.
        browser.client.post(f"/uploads/{waits}/cancel", data={"form": browser.form})
        browser.wait(upload, lambda now: now["state"] == "done")
        log = (folder / upload / "run.log").read_text()
        # What was done before the kill was not done again.
        assert "Unlocked" in log
        assert log.count("Inspecting slides") == 1
        areas = read_table(folder / upload / "results" / "areas" / "slides.parquet")
        assert set(areas["slide"]) == {upload}
        assert areas["area_mm2"].sum() > 0.1
        page = browser.client.get(f"/uploads/{upload}/slide").text
        assert "Research use only" in page
        assert SVS in page
        base = f"/uploads/{upload}/slides/{upload}"
        view = browser.client.get(f"{base}/view.json").json()
        assert (view["width"], view["height"]) == (2220, 2967)
        assert {"regions", "tissue"} <= {overlay["name"] for overlay in view["overlays"]}
        for picture in ("tiles/12/1_1.jpg", "overlays/regions/12/1_1.png", "thumbnail.png"):
            assert browser.client.get(f"{base}/{picture}").status_code == 200, picture
        assert browser.client.get(f"/uploads/{upload}/slides/P001-1/view.json").status_code == 404
        # Nothing of the slide itself but the pixels was looked at.
        facts = read_json(folder / upload / "results" / "slides" / upload / "inspection.json")
        assert not any("Date" in name or "User" in name for name in facts["properties"])


def test_what_a_killed_server_leaves_running_is_taken_up_and_can_be_cancelled(
    shown, folder, real_data
):
    with serving(shown, folder) as running:
        browser = Browser(running)
        upload = browser.send(real_data / "slides" / SVS)
        browser.wait(upload, under_way)
        os.kill(running.process, signal.SIGKILL)
    leader = leader_of(folder / upload)
    assert leader is not None
    with serving(shown, folder) as running:
        browser = Browser(running)
        assert browser.state(upload)["state"] == "running"
        time.sleep(1)
        # It was not started a second time.
        assert leader_of(folder / upload) == leader
        browser.client.post(f"/uploads/{upload}/cancel", data={"form": browser.form})
        until = time.monotonic() + 60
        while processes_of(folder / upload) and time.monotonic() < until:
            time.sleep(0.2)
        assert processes_of(folder / upload) == []
        assert browser.state(upload)["state"] == "cancelled"
        page = browser.client.get(f"/uploads/{upload}").text
        assert "Try again" in page
        browser.client.post(f"/uploads/{upload}/remove", data={"form": browser.form})
        assert not (folder / upload / "slide.svs").exists()


def test_a_job_that_fails_says_why_and_a_stopped_server_leaves_nothing_running(
    shown, folder, real_data, tmp_path
):
    model = shown.results / "models" / "all" / "0" / "model.safetensors"
    with serving(shown, folder) as running:
        shutil.move(model, tmp_path / "model")
        try:
            browser = Browser(running)
            upload = browser.send(real_data / "slides" / SVS)
            until = time.monotonic() + 60
            while browser.state(upload)["state"] != "failed" and time.monotonic() < until:
                time.sleep(0.2)
        finally:
            shutil.move(tmp_path / "model", model)
        page = browser.client.get(f"/uploads/{upload}").text
        assert "model.safetensors in the folder of models" in page
        assert str(shown.folder) not in page
        browser.client.post(f"/uploads/{upload}/again", data={"form": browser.form})
        browser.wait(upload, under_way)
        # As by Ctrl+C in the terminal.
        os.kill(running.process, signal.SIGINT)
        until = time.monotonic() + 60
        while processes_of(folder / upload) and time.monotonic() < until:
            time.sleep(0.2)
        assert processes_of(folder / upload) == []
    with serving(shown, folder) as running:
        assert Browser(running).state(upload)["state"] == "running"
