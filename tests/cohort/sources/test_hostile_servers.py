"""Servers that mean harm or are out of their mind, and disks that are full."""

import gzip
import logging
import os
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass

import pytest

from histoniche.cohort.sources import command
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.credentials import read_token
from histoniche.cohort.sources.download import download
from histoniche.cohort.sources.fetching import estimate, fetch
from histoniche.cohort.sources.gdc import Gdc
from histoniche.cohort.sources.pacing import asked_pause
from histoniche.cohort.sources.partial import part_of
from histoniche.cohort.sources.records import is_fetched, write_wanted
from histoniche.cohort.sources.remote import Remote
from histoniche.errors import InputError
from source_server import File, cut, remote_of, status, visible
from source_services import FakeGdc, case
from study import CHECKOUT

CONTENT = bytes(range(256)) * 1200


@dataclass
class Raw:
    """A body that is sent as it is."""

    body: bytes
    packed: bool = False

    def __call__(self, handler):
        headers = {"Content-Encoding": "gzip"} if self.packed else {}
        handler.begin(200, headers, len(self.body))
        handler.give(self.body)
        return True


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_not_read_to_its_end(server, connection, packed):
    body = b"[" + b"0," * 3_000_000 + b"0]"
    body = gzip.compress(body) if packed else body
    server.files["/j"] = File(b"", faults=[Raw(body, packed=packed)])
    small = Connection(patience=connection.patience, largest=1_000_000)
    with pytest.raises(InputError, match="answers more than 1 MB"):
        small.read_json(f"{server.base}/j")


@pytest.mark.parametrize("body", [b"[" * 200_000, b"\xff\xfe{", b"{}}", b""])
def test_what_is_no_json_is_told_in_one_line(server, connection, body):
    server.files["/j"] = File(b"", faults=[Raw(body)])
    with pytest.raises(InputError, match="answers no JSON"):
        connection.read_json(f"{server.base}/j?secret=1")


def test_a_damaged_packed_answer_is_asked_for_again(server, connection):
    broken = gzip.compress(b"[1]" * 50)[:-30] + b"x" * 30
    server.files["/j"] = File(b"[1]", faults=[Raw(broken, packed=True)])
    assert connection.read_json(f"{server.base}/j")[0] == [1]


@pytest.mark.parametrize("code", [204, 300, 304])
def test_an_answer_without_the_file_is_not_taken_for_it(server, connection, tmp_path, code):
    server.files["/data/a"] = File(CONTENT, faults=[status(code)])
    with pytest.raises(InputError, match=f"status {code}"):
        download(remote_of(server, size=None, md5=None), tmp_path, connection)
    assert visible(tmp_path) == []


def test_a_file_that_is_not_ready_yet_is_waited_for(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT, faults=[status(202)])
    download(remote_of(server), tmp_path, connection)
    assert (tmp_path / "slides/a.svs").read_bytes() == CONTENT


@pytest.mark.parametrize("place", ["http://[bad/", "http://h:99999/", "https:///x", "ftp://h/x"])
def test_a_redirect_to_nowhere_is_told_in_one_line(server, connection, tmp_path, place):
    server.files["/data/a"] = File(CONTENT, faults=[status(302, Location=place)])
    with pytest.raises(InputError, match="mend the address"):
        download(remote_of(server), tmp_path, connection)
    assert visible(tmp_path) == []


def test_what_stands_below_a_redirect_is_not_read(server, connection, tmp_path):
    hold = threading.Event()

    def lead(handler):
        handler.begin(302, {"Location": "/new"}, 10**12)
        handler.give(b"x" * 1000)
        hold.wait(30)
        return True

    server.files["/data/a"] = File(CONTENT, faults=[lead])
    server.files["/new"] = File(CONTENT)
    try:
        download(remote_of(server), tmp_path, connection)
    finally:
        hold.set()
    assert [one.path for one in server.seen] == ["/data/a", "/new"]


@pytest.mark.parametrize("header", ["²", "-5", "1e3", "Wed, 21 Oct 99999999999 07:28:10 GMT"])
def test_a_pause_that_is_none_is_passed_over(header):
    assert asked_pause(header, None) is None


def test_more_bytes_than_the_list_says_are_not_written(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT, length=False)
    with pytest.raises(InputError, match=r"sends more than 5 bytes"):
        download(remote_of(server, size=5), tmp_path, connection)
    assert visible(tmp_path) == []


def test_a_bomb_is_not_unpacked(server, connection, tmp_path):
    server.files["/data/a"] = File(bytes(30_000_000), packed=True)
    came = []
    remote = remote_of(server, size=None, md5=None)
    with pytest.raises(InputError, match="sends more than"):
        download(remote, tmp_path, connection, arrived=came.append)
    assert sum(size for size in came if size > 0) < 10_000_000 and visible(tmp_path) == []


def test_a_file_that_turns_out_larger_than_the_disk_is_not_begun(server, connection, tmp_path):
    def announce(handler):
        handler.begin(200, {}, 10**16)
        return True

    server.files["/data/a"] = File(CONTENT, faults=[announce])
    with pytest.raises(InputError, match="are free"):
        download(remote_of(server, size=None, md5=None), tmp_path, connection)
    assert visible(tmp_path) == []


FULL = """
import resource, sys
from pathlib import Path
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.fetching import fetch
from histoniche.cohort.sources.remote import Remote
from histoniche.errors import InputError
url, size, md5, folder = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, resource.RLIM_INFINITY))
try:
    fetch([Remote("slides/a.svs", url, int(size), md5)], Path(folder), Connection())
except InputError as error:
    sys.exit(f"error: {error}")
"""


def test_a_disk_that_fills_up_is_told_and_what_came_stays(server, connection, tmp_path):
    file = server.files["/data/a"] = File(CONTENT)
    remote = remote_of(server)
    arguments = [sys.executable, "-c", FULL, remote.url, str(remote.size), file.md5, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "workflow")}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "a.svs: cannot be written (File too large)" in done.stderr
    assert part_of(tmp_path / "slides/a.svs").read_bytes() == CONTENT[:100_001]
    download(remote, tmp_path, connection)
    assert (tmp_path / "slides/a.svs").read_bytes() == CONTENT
    assert server.seen[-1].headers["Range"] == "bytes=100001-"


def test_a_folder_that_cannot_be_written_is_told(server, connection, tmp_path):
    server.files["/data/a"] = File(CONTENT)
    (tmp_path / "slides").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        fetch([remote_of(server)], tmp_path, connection)


def test_a_file_without_its_record_is_not_fetched_again(server, connection, tmp_path):
    """As `kill -9` leaves it between the file and its record, or the GDC's own client."""
    server.files["/data/a"] = File(CONTENT)
    remote, target = remote_of(server), tmp_path / "slides/a.svs"
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    part_of(target).write_bytes(CONTENT[:100])
    assert not is_fetched(remote, tmp_path) and estimate([remote], tmp_path).size == 0
    (row,) = fetch([remote], tmp_path, connection)
    assert server.seen == [] and is_fetched(remote, tmp_path)
    assert row.verified == "md5" and row.size == len(CONTENT)
    assert visible(target.parent) == ["a.svs"]
    # One that only looks like it is.
    target.write_bytes(CONTENT[::-1])
    fetch([remote], tmp_path, connection)
    assert server.sent("/data/a") == len(CONTENT) and target.read_bytes() == CONTENT


def test_logs_show_no_signature_of_an_address(server, connection, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    server.files["/data/a"] = File(CONTENT, faults=[cut(1000), *[status(503)] * 4])
    file = server.files["/data/a"]
    signed = Remote("a", f"{server.base}/data/a?signature=s3cret", len(CONTENT), file.md5)
    with pytest.raises(InputError) as error:
        download(signed, tmp_path, connection)
    download(signed, tmp_path, connection)
    assert "going on with" in caplog.text
    assert "s3cret" not in caplog.text + str(error.value)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "token.txt"
    path.write_text("s3cret-T0ken\n")
    path.chmod(0o600)
    return path


def test_another_host_that_refuses_does_not_put_it_on_the_token(
    server, other_server, connection, secret, tmp_path
):
    other_server.files["/bucket"] = File(CONTENT, faults=[status(403)])
    address = f"{other_server.base}/bucket"
    server.files["/data/a"] = File(CONTENT, faults=[status(302, Location=address)])
    known = Connection(
        token=read_token(secret), token_base=server.base, patience=connection.patience
    )
    with pytest.raises(InputError, match="refused") as error:
        download(remote_of(server, controlled=True), tmp_path, known)
    assert "expired" not in str(error.value)


def test_a_list_of_files_does_not_say_where_the_token_goes(server, secret, tmp_path, monkeypatch):
    server.files["/data/a"] = File(CONTENT)
    folder = tmp_path / "c"
    write_wanted([remote_of(server, controlled=True)], folder)
    monkeypatch.setenv(command.TOKEN_VARIABLE, str(secret))
    command.fetch_some(folder, ["slides/a.svs"])
    assert "X-Auth-Token" not in server.seen[0].headers
    (folder / "slides/a.svs").unlink()
    monkeypatch.setenv(command.GDC_VARIABLE, server.base)
    command.fetch_some(folder, ["slides/a.svs"])
    assert server.seen[1].headers["X-Auth-Token"] == "s3cret-T0ken"


@pytest.mark.parametrize("host", ["127.0.0.1:9", "nowhere.invalid"])
def test_a_service_that_is_not_there_is_told(connection, host):
    with pytest.raises(InputError, match="out of reach after 4 attempts") as error:
        connection.read_json(f"http://{host}/cases?secret=1")
    assert "nobody answers there" in str(error.value) and "secret" not in str(error.value)


def test_a_certificate_that_nobody_trusts_is_told_at_once(server, connection, tmp_path):
    pair = [tmp_path / "key.pem", tmp_path / "certificate.pem"]
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    make += ["-nodes", "-subj", "/CN=localhost", "-keyout", str(pair[0]), "-out", str(pair[1])]
    subprocess.run(make, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair[1], pair[0])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(InputError, match=r"certificate is not trusted.*REQUESTS_CA_BUNDLE"):
        connection.read_json(f"{server.base.replace('http', 'https', 1)}/gdc/cases")


@pytest.mark.parametrize("wrong", [[{}], ["x"], [{"case_id": 5, "submitter_id": "P"}], 7])
def test_hits_without_a_name_are_told(server, connection, wrong):
    answer = {"data": {"hits": wrong, "pagination": {"total": 1}}}
    server.services["/gdc/cases"] = lambda seen: answer
    with pytest.raises(InputError, match="not as the GDC does"):
        Gdc(connection, f"{server.base}/gdc").cases(["TCGA-GBM"])


def test_pages_that_overlap_are_told(server, connection):
    fake = FakeGdc(server, [case(f"TCGA-02-{k:04d}", dead=1) for k in range(1, 6)])
    service = server.services["/gdc/cases"]

    def shifted(seen):
        seen.body["from"] = 0 if seen.body["from"] == 4 else seen.body["from"]
        return service(seen)

    server.services["/gdc/cases"] = shifted
    with pytest.raises(InputError, match="ends after 4 of 5 hits"):
        Gdc(connection, fake.base, page=2).cases(["TCGA-GBM"])
