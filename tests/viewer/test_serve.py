"""The command `histoniche view`."""

import socket

import httpx
from typer.testing import CliRunner

from browser import NEEDS_OPENSEADRAGON
from histoniche.cli import app
from histoniche.errors import InputError
from histoniche.viewer.serve import _listen
from viewer_server import free_port, viewing


@NEEDS_OPENSEADRAGON
def test_the_command_prints_an_address_whose_token_opens_it(made):
    with viewing(made.results, cwd=made.folder) as running:
        assert "4, as config/study.yaml says" in running.printed
        assert running.base.startswith("http://127.0.0.1:")
        assert len(running.token) >= 32
        with httpx.Client(base_url=running.base, follow_redirects=True) as browser:
            assert browser.get("/session").status_code == 401
            script = browser.get("/static/openseadragon.js")
            assert "OpenSeadragon" in script.text[:400] or "openseadragon" in script.text[:400]
            form = browser.get("/login").text.partition('name="form" value="')[2].partition('"')[0]
            page = browser.post("/login", data={"token": running.token, "form": form})
            assert "Made study" in page.text
            assert browser.get("/slides/P1-1/tiles/9/0_0.jpg").status_code == 200


@NEEDS_OPENSEADRAGON
def test_a_port_that_is_taken_is_one_line(made):
    with viewing(made.results, cwd=made.folder) as running:
        port = running.base.rpartition(":")[2]
        done = CliRunner().invoke(app, ["view", str(made.results), "--port", port])
        assert isinstance(done.exception, InputError)
        assert "choose another with --port" in str(done.exception)


def test_small_answers_are_sent_at_once():
    # The event loop does so for what is named as TCP, and not for "any protocol".
    port = free_port()
    with _listen("127.0.0.1", port) as listening:
        assert listening.proto == socket.IPPROTO_TCP
