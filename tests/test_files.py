import os

import pytest

from histoniche.errors import InputError
from histoniche.files import fingerprint, whole_file, whole_folder
from histoniche.jobs import job


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "a"
    with whole_folder(path) as folder:
        (folder / "old").touch()
    with pytest.raises(RuntimeError), whole_folder(path) as folder:
        (folder / "new").touch()
        raise RuntimeError
    assert [entry.name for entry in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_touch_keeps_the_fingerprint_and_a_change_does_not(tmp_path):
    path = tmp_path / "slide"
    path.write_bytes(os.urandom(400_000))
    before = fingerprint(path)
    os.utime(path, (0, 0))
    assert fingerprint(path) == before
    content = bytearray(path.read_bytes())
    content[200_000] ^= 1
    path.write_bytes(content)
    assert fingerprint(path) != before


def test_a_users_mistake_leaves_one_line_and_no_traceback(tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as caught, job(str(log)):
        raise InputError("too long", file="a.tsv", row=3, remedy="shorten it")
    assert str(caught.value) == "error: a.tsv, row 3: too long; shorten it"
    assert "Traceback" not in log.read_text()


def test_any_other_failure_leaves_its_traceback_in_the_log(tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as caught, job(str(log)):
        raise KeyError("gone")
    assert str(log) in str(caught.value)
    assert "Traceback" in log.read_text()
