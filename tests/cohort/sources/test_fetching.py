"""Many files, what they take, and the record of what came."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest

from histoniche.cohort.sources.credentials import read_token
from histoniche.cohort.sources.fetching import Estimate, check_room, estimate, fetch
from histoniche.cohort.sources.pacing import Bandwidth, Limits, asked_pause, pause_before
from histoniche.cohort.sources.partial import part_of
from histoniche.cohort.sources.records import (
    is_fetched,
    read_wanted,
    remove,
    verify,
    write_fetched,
    write_wanted,
)
from histoniche.cohort.sources.remote import Remote
from histoniche.errors import InputError
from source_server import File, cut, status
from study import CHECKOUT


def files(server, number, size=1000):
    for k in range(number):
        server.files[f"/f{k}"] = File(bytes([k]) * size)
    return [
        Remote(f"d/f{k}", f"{server.base}/f{k}", size, server.files[f"/f{k}"].md5)
        for k in range(number)
    ]


def test_files_come_side_by_side_and_are_told_of(server, connection, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    remotes = files(server, 12)
    done = fetch(remotes, tmp_path, connection, limits=Limits(parallel=3))
    assert sorted(one.path for one in done) == sorted(one.path for one in remotes)
    assert "12 files to fetch (12.0 kB), 0 there already" in caplog.text
    assert "12 of 12 files, 12.0 kB of 12.0 kB" in caplog.text
    rows = write_fetched(tmp_path)
    assert [row.path for row in rows] == sorted(one.path for one in remotes)
    assert json.loads((tmp_path / "fetched.json").read_text())["files"][0]["sha256"]
    assert (tmp_path / "fetched.tsv").read_text().count("\n") == 13


@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_files_come_at_once_than_was_said(server, connection, tmp_path, parallel):
    remotes = files(server, 9)
    lock, now, most = threading.Lock(), [0], [0]

    def watch(handler):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1

    for file in server.files.values():
        file.faults.append(watch)
    fetch(remotes, tmp_path, connection, limits=Limits(parallel=parallel))
    assert most[0] == parallel


def test_a_killed_command_goes_on_with_no_byte_of_any_file_fetched_twice(server, tmp_path):
    remotes, hold = files(server, 3, size=200_000), threading.Event()
    write_wanted(remotes, tmp_path)
    server.files["/f1"].faults.append(cut(70_001, hold=hold))
    server.files["/f2"].faults.append(cut(1, hold=hold))
    program = "from histoniche.cli import main; main()"
    command = [sys.executable, "-c", program, "fetch", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "workflow")}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    parts = [part_of(tmp_path / f"d/f{k}") for k in range(3)]
    there = [(tmp_path / ".fetched/d/f0.json", 1), (parts[1], 70_001), (parts[2], 1)]
    try:
        deadline = time.monotonic() + 60
        while not all(path.is_file() and path.stat().st_size >= size for path, size in there):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        hold.set()
    assert sorted(path.name for path in (tmp_path / "d").iterdir() if path.name[0] != ".") == ["f0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "ok: 2 files fetched\n"
    assert [server.sent(f"/f{k}") for k in range(3)] == [200_000] * 3
    assert verify(tmp_path) == [] and not any(path.exists() for path in parts)


def test_what_is_there_is_not_asked_for_again(server, connection, tmp_path):
    remotes = files(server, 3)
    fetch(remotes[:2], tmp_path, connection)
    server.seen.clear()
    assert estimate(remotes, tmp_path)[:3] == (1, 2, 1000)
    fetch(remotes, tmp_path, connection)
    assert [one.path for one in server.seen] == ["/f2"]
    # A file that somebody wrote over is fetched anew.
    (tmp_path / "d/f0").write_text("other")
    assert not is_fetched(remotes[0], tmp_path)
    assert verify(tmp_path) == ["d/f0: changed since it was fetched"]
    fetch(remotes, tmp_path, connection)
    assert verify(tmp_path) == []


def test_a_file_that_was_removed_on_purpose_is_not_missed(server, connection, tmp_path):
    remotes = files(server, 2)
    fetch(remotes, tmp_path, connection)
    remove("d/f0", tmp_path)
    (tmp_path / "d/f1").unlink()
    assert verify(tmp_path) == ["d/f1: missing"] and len(write_fetched(tmp_path)) == 2
    fetch(remotes, tmp_path, connection)
    (tmp_path / "d/f0").unlink()
    assert verify(tmp_path) == ["d/f0: missing"]


def test_one_that_fails_does_not_stop_the_others(server, connection, tmp_path):
    remotes = files(server, 4)
    server.files["/f1"].faults.append(status(404))
    with pytest.raises(InputError, match="1 of 4 files could not be fetched") as error:
        fetch(remotes, tmp_path, connection, limits=Limits(parallel=1))
    assert "status 404" in str(error.value)
    assert estimate(remotes, tmp_path).there == 3


def test_a_disk_without_room_is_refused_before_anything_is_asked(server, connection, tmp_path):
    remote = Remote("big", f"{server.base}/big", size=10**18)
    with pytest.raises(InputError, match="are to come"):
        fetch([remote], tmp_path, connection)
    assert not server.seen and list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match=r"2\.0 kB are to come, 1\.0 kB are free"):
        check_room(Estimate(1, 0, 2000, 0, 1000), tmp_path)


def test_bandwidth_is_shared():
    now, slept = [0.0], []
    limit = Bandwidth(1000, clock=lambda: now[0], sleep=slept.append)
    for _ in range(5):
        limit.spend(500)
    assert slept == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert Bandwidth(80_000).block == 10_000 and Bandwidth(None).block == 1 << 18


def test_a_limit_of_bandwidth_slows_a_file_down(server, connection, tmp_path):
    remotes = files(server, 2, size=30_000)
    begun = datetime.now(UTC)
    fetch(remotes, tmp_path, connection, limits=Limits(2, Bandwidth(100_000)))
    assert (datetime.now(UTC) - begun).total_seconds() >= 0.55


def test_pauses_double_and_are_spread():
    draw = random.Random(0)
    for attempt, whole in enumerate([1, 2, 4, 8, 10, 10], start=1):
        pauses = [pause_before(attempt, first=1, longest=10, draw=draw) for _ in range(200)]
        assert whole / 2 <= min(pauses) < 0.6 * whole and 0.9 * whole < max(pauses) <= whole


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("Wed, 21 Oct 2026 07:28:10 GMT", 10),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
        ("soon", None),
        (None, None),
    ],
)
def test_a_server_says_how_long_to_wait(header, seconds):
    assert asked_pause(header, datetime(2026, 10, 21, 7, 28, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("mode", "fits"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)]
)
def test_a_token_that_others_may_read_is_refused(tmp_path, mode, fits):
    path = tmp_path / "token"
    path.write_text("abc\n")
    path.chmod(mode)
    if fits:
        token = read_token(path)
        assert token.reveal() == "abc" and "abc" not in f"{token} {token!r}"
        return
    with pytest.raises(InputError, match="chmod 600"):
        read_token(path)


@pytest.mark.parametrize("content", ["", "two words", "a\nb", "tökén"])
def test_what_is_no_token_is_refused_without_showing_it(tmp_path, content):
    path = tmp_path / "t"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match="holds no token") as error:
        read_token(path)
    assert not content or content not in str(error.value)


def test_a_list_of_files_is_read_as_it_was_written(tmp_path):
    remotes = [
        Remote("a/b.svs", "https://h/1?x=1&y=2", 5, "0" * 32, controlled=True),
        Remote("c.tsv", "https://h/2"),
    ]
    assert read_wanted(write_wanted(remotes[::-1], tmp_path)) == remotes


@pytest.mark.parametrize("place", ["../x", "/etc/passwd", "a/../../x", ""])
def test_no_file_goes_outside_of_the_folder(tmp_path, place):
    path = tmp_path / "files.tsv"
    path.write_text(f"path\turl\tsize\tmd5\tcontrolled\n{place}\thttps://h/1\t\t\t\n")
    with pytest.raises(InputError, match="row 2, column path"):
        read_wanted(path)
