"""Files from a source that has bad days."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.credentials import read_token
from histoniche.cohort.sources.download import download
from histoniche.cohort.sources.partial import held, part_of
from histoniche.cohort.sources.remote import Remote
from histoniche.errors import InputError
from histoniche.files import read_json, sha256
from source_server import File, cut, remote_of, status, visible
from study import CHECKOUT

CONTENT = np.random.default_rng(0).bytes(300_000)
MODIFIED = "Wed, 21 Oct 2026 07:28:00 GMT"


def test_a_file_comes_whole_with_its_checksums(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT)
    fetched = download(remote_of(server), tmp_path, connection)
    target = tmp_path / "slides" / "a.svs"
    assert target.read_bytes() == CONTENT
    assert fetched.sha256 == sha256(target) and fetched.verified == "md5"
    assert visible(tmp_path) == ["a.svs"]
    assert server.seen[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("after", [1, 100_000, 299_999])
def test_a_cut_connection_goes_on_where_it_stopped(server, connection, tmp_path, after):
    server.files["/data/a"] = File(CONTENT, faults=[cut(after)])
    download(remote_of(server), tmp_path, connection)
    assert (tmp_path / "slides/a.svs").read_bytes() == CONTENT
    assert server.sent("/data/a") == len(CONTENT)
    assert server.seen[1].headers["Range"] == f"bytes={after}-"
    assert server.seen[1].headers["If-Range"] == '"v1"'


def test_more_cuts_than_attempts_are_survived_while_bytes_come(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT, faults=[cut(20_000) for _ in range(10)])
    download(remote_of(server), tmp_path, connection)
    assert server.sent("/data/a") == len(CONTENT)
    assert len(server.seen) == 11 > connection.patience.attempts


def test_a_server_that_always_begins_anew_is_given_up(server, connection, tmp_path):
    faults = [cut(50_000) for _ in range(50)]
    server.files["/data/a"] = File(CONTENT, ranges=False, faults=faults)
    with pytest.raises(InputError, match="out of reach after 4 attempts"):
        download(remote_of(server), tmp_path, connection)
    assert visible(tmp_path / "slides") == [".a.svs.part", ".a.svs.part.json"]


def test_a_server_without_ranges_sends_all_anew_and_nothing_is_spliced(
    server, connection, tmp_path
):
    server.files["/data/a"] = File(CONTENT, ranges=False, faults=[cut(50_000)])
    download(remote_of(server), tmp_path, connection)
    assert (tmp_path / "slides/a.svs").read_bytes() == CONTENT
    assert [one.status for one in server.seen] == [200, 200]
    assert server.sent("/data/a") == len(CONTENT) + 50_000


@pytest.mark.parametrize("validator", ["etag", "modified"])
def test_a_file_that_changed_is_not_spliced(server, connection, tmp_path, validator):
    old = {"etag": '"v1"'} if validator == "etag" else {"etag": None, "modified": MODIFIED}
    server.files["/data/a"] = File(CONTENT, **old)
    newer = CONTENT[::-1]

    def change(handler):
        cut_file = cut(50_000)(handler)
        later = (
            {"etag": '"v2"'}
            if validator == "etag"
            else {
                "etag": None,
                "modified": "Thu, 22 Oct 2026 07:28:00 GMT",
            }
        )
        handler.server.files["/data/a"] = File(newer, **later)
        return cut_file

    server.files["/data/a"].faults.append(change)
    download(remote_of(server, md5=None), tmp_path, connection)
    assert (tmp_path / "slides/a.svs").read_bytes() == newer


def test_without_any_name_of_the_version_a_file_is_begun_anew(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT, etag='W/"weak"', faults=[cut(50_000)])
    download(remote_of(server, md5=None), tmp_path, connection)
    assert "Range" not in server.seen[1].headers
    assert (tmp_path / "slides/a.svs").read_bytes() == CONTENT


def test_a_resumed_file_of_another_md5_is_fetched_once_more(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT)
    remote = remote_of(server)
    download(remote, tmp_path, connection)
    # Bytes of another version, left by a process that died.
    target = tmp_path / "slides/a.svs"
    target.unlink()
    server.files["/data/a"].faults += [cut(90_000), *[status(503)] * 3]
    with pytest.raises(InputError):
        download(remote, tmp_path, connection)
    part_of(target).write_bytes(b"x" * 90_000)
    server.seen.clear()
    download(remote, tmp_path, connection)
    assert [one.status for one in server.seen] == [206, 200]
    assert target.read_bytes() == CONTENT


def test_a_wrong_md5_leaves_no_file(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT)
    with pytest.raises(InputError, match="another md5") as error:
        download(remote_of(server, md5="0" * 32), tmp_path, connection)
    assert "list of files anew" in str(error.value)
    assert visible(tmp_path) == [] and len(server.seen) == 2


def test_a_file_of_another_size_is_refused_before_its_bytes_come(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT)
    with pytest.raises(InputError, match="300,000 bytes where the source's list says 5"):
        download(remote_of(server, size=5), tmp_path, connection)
    assert visible(tmp_path) == []


def test_a_file_without_a_length_comes_too(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT, length=False)
    fetched = download(remote_of(server, size=None, md5=None), tmp_path, connection)
    assert fetched.size == len(CONTENT) and fetched.verified == "length"


def test_packed_bytes_are_unpacked_and_a_cut_among_them_is_seen(server, connection, tmp_path):
    text = b"gene\tvalue\n" * 5000
    server.files["/data/a"] = File(text, packed=True, faults=[cut(60)])
    fetched = download(remote_of(server), tmp_path, connection)
    assert (tmp_path / "slides/a.svs").read_bytes() == text
    assert fetched.size == len(text) and "Range" not in server.seen[1].headers


def test_an_empty_file_is_a_file(server, connection, tmp_path):
    server.files["/data/a"] = File(b"")
    assert download(remote_of(server), tmp_path, connection).size == 0
    assert (tmp_path / "slides/a.svs").read_bytes() == b""


def test_a_web_page_in_place_of_a_table_is_refused(server, connection, tmp_path):
    page = b"<!DOCTYPE html><html><body>moved</body></html>"
    server.files["/data/a"] = File(page, kind="text/csv")
    with pytest.raises(InputError, match="web page"):
        download(remote_of(server, size=None, md5=None), tmp_path, connection)
    assert visible(tmp_path) == []


def test_a_busy_server_is_asked_again_after_the_time_it_names(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT, faults=[status(429, Retry_After="1"), status(503)])
    begun = time.monotonic()
    download(remote_of(server), tmp_path, connection)
    assert time.monotonic() - begun >= 1
    assert [one.status for one in server.seen] == [429, 503, 200]


def test_a_pause_may_be_named_as_a_date(server, connection, tmp_path):
    then = datetime.now(UTC) + timedelta(seconds=2)
    fault = status(503, Retry_After=format_datetime(then, usegmt=True))
    server.files["/data/a"] = File(CONTENT, faults=[fault])
    download(remote_of(server), tmp_path, connection)
    assert datetime.now(UTC) >= then.replace(microsecond=0)


def test_a_server_that_asks_for_an_hour_is_given_up_at_once(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT, faults=[status(429, Retry_After="3600")])
    with pytest.raises(InputError, match="status 429"):
        download(remote_of(server), tmp_path, connection)
    assert len(server.seen) == 1


def test_a_file_that_is_not_there_is_not_asked_for_twice(server, connection, tmp_path):
    remote = Remote("a", f"{server.base}/nothing")
    with pytest.raises(InputError, match="status 404"):
        download(remote, tmp_path, connection)
    assert len(server.seen) == 1 and visible(tmp_path) == []


@pytest.fixture
def identified(server, tmp_path):
    """A connection with a token for the server."""
    secret = tmp_path / "token.txt"
    secret.write_text("s3cret-T0ken\n")
    secret.chmod(0o600)
    return Connection(token=read_token(secret), token_base=server.base)


def test_a_controlled_file_comes_with_a_token(server, identified, tmp_path):
    server.files["/data/a"] = File(CONTENT, token="s3cret-T0ken")
    download(remote_of(server, controlled=True), tmp_path, identified)
    assert server.seen[0].headers["X-Auth-Token"] == "s3cret-T0ken"


def test_open_files_are_asked_for_without_the_token(server, identified, tmp_path):
    server.files["/data/a"] = File(CONTENT)
    download(remote_of(server), tmp_path, identified)
    assert "X-Auth-Token" not in server.seen[0].headers


@pytest.mark.parametrize("code", [401, 403])
def test_an_expired_token_says_so_and_shows_nothing_of_it(
    server, identified, tmp_path, code, caplog
):
    caplog.set_level("DEBUG")
    server.files["/data/a"] = File(CONTENT, faults=[cut(70_000), status(code)])
    with pytest.raises(InputError, match="may have expired") as error:
        download(remote_of(server, controlled=True), tmp_path, identified)
    assert "s3cret" not in str(error.value) + caplog.text + repr(vars(identified))
    # What came before it expired is not fetched again.
    download(remote_of(server, controlled=True), tmp_path, identified)
    assert server.sent("/data/a") == len(CONTENT)


def test_a_missing_token_says_how_to_give_one(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT, token="x")
    with pytest.raises(InputError, match="--token"):
        download(remote_of(server, controlled=True), tmp_path, connection)


@pytest.mark.parametrize("code", [301, 302, 307])
def test_a_redirect_to_another_host_goes_without_the_token(
    server, other_server, identified, tmp_path, code
):
    other_server.files["/bucket/a"] = File(CONTENT)
    address = f"{other_server.base}/bucket/a?signature=abc"
    server.files["/data/a"] = File(CONTENT, faults=[status(code, Location=address)])
    fetched = download(remote_of(server, controlled=True), tmp_path, identified)
    assert server.seen[0].headers["X-Auth-Token"] == "s3cret-T0ken"
    assert "X-Auth-Token" not in other_server.seen[0].headers
    assert "signature" not in fetched.url
    assert (tmp_path / "slides/a.svs").read_bytes() == CONTENT


def test_a_redirect_within_the_service_keeps_the_token_and_a_circle_ends(
    server, identified, tmp_path
):
    server.files["/new"] = File(CONTENT, token="s3cret-T0ken")
    server.files["/data/a"] = File(CONTENT, faults=[status(308, Location="/new")])
    download(remote_of(server, controlled=True), tmp_path, identified)
    server.files["/b"] = File(b"", faults=[status(302, Location="/b") for _ in range(20)])
    with pytest.raises(InputError, match="circles"):
        download(Remote("b", f"{server.base}/b"), tmp_path, identified)


def test_a_token_is_not_sent_in_clear_text(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("t")
    secret.chmod(0o600)
    with pytest.raises(InputError, match="clear text"):
        Connection(token=read_token(secret), token_base="http://api.example.org")


def test_two_processes_do_not_write_one_file(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT)
    (tmp_path / "slides").mkdir()
    with held(tmp_path / "slides/a.svs"), pytest.raises(InputError, match="another process"):
        download(remote_of(server), tmp_path, connection)
    assert not server.seen
    download(remote_of(server), tmp_path, connection)


KILLED = """
import sys
from pathlib import Path
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.download import download
from histoniche.cohort.sources.remote import Remote
url, size, md5, folder = sys.argv[1:]
download(Remote("slides/a.svs", url, int(size), md5), Path(folder), Connection())
"""


def test_after_kill_9_no_byte_is_fetched_twice(server, connection, tmp_path):
    hold = threading.Event()
    file = server.files["/data/a"] = File(CONTENT, faults=[cut(123_457, hold=hold)])
    remote = remote_of(server)
    command = [sys.executable, "-c", KILLED, remote.url, str(remote.size), file.md5, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "workflow")}
    process = subprocess.Popen(command, env=environment)
    part = part_of(tmp_path / "slides/a.svs")
    try:
        deadline = time.monotonic() + 30
        while not (part.is_file() and part.stat().st_size == 123_457):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        assert not (tmp_path / "slides/a.svs").exists()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        hold.set()
    assert not (tmp_path / "slides/a.svs").exists()
    assert read_json(part.with_name(".a.svs.part.json"))["validators"]["etag"] == '"v1"'
    download(remote, tmp_path, connection)
    assert (tmp_path / "slides/a.svs").read_bytes() == CONTENT
    assert server.sent("/data/a") == len(CONTENT)
    assert server.seen[1].headers["Range"] == "bytes=123457-"
