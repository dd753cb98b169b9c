"""Slides that come in chunks: in any order, again, too large, of hostile names, to a full disk."""

import hashlib
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from starlette.testclient import TestClient

from histoniche.errors import InputError
from histoniche.viewer.app import create_app
from histoniche.viewer.security import Gate
from histoniche.viewer.uploads.chunks import slide_file
from upload_desk import make_desk

TOKEN = "a-token-that-nobody-guesses"
BASE = "http://127.0.0.1:8765"
CHUNK = 1 << 18
CONTENT = np.random.default_rng(0).bytes(2 * CHUNK + 999)
SIZE = len(CONTENT)
PARTS = [CONTENT[start : start + CHUNK] for start in range(0, len(CONTENT), CHUNK)]
HOSTILE = "</script><img src=x onerror=alert(1)>.svs"


class Sender:
    """A browser that is logged in, and the form that its page has."""

    def __init__(self, desk, index, script):
        self.desk = desk
        app = create_app(
            index, Gate(TOKEN, hours=1), openseadragon=script, hosts=["127.0.0.1"], desk=desk
        )
        # Without its lifespan, so that nothing works on the queue.
        self.client = TestClient(app, base_url=BASE)
        form = re.search(r'name="form" value="([^"]+)"', self.client.get("/login").text)
        self.form = form.group(1)
        self.client.post("/login", data={"token": TOKEN, "form": self.form})

    def begin(self, name="slide.svs", size=SIZE, **more):
        data = {"name": name, "size": size, "form": self.form, **more}
        return self.client.post("/uploads", data=data)

    def put(self, upload, number, content, **headers):
        headers = {"x-form": self.form, **headers}
        address = f"/uploads/{upload}/chunks/{number}"
        return self.client.put(address, content=content, headers=headers)

    def state(self, upload):
        return self.client.get(f"/uploads/{upload}/state.json").json()

    def whole(self, upload):
        return slide_file(self.desk.folder, self.desk.store.get(upload))


@pytest.fixture
def uploads(tmp_path):
    return tmp_path / "uploads"


@pytest.fixture
def limits():
    return {}


@pytest.fixture
def sender(tmp_path, uploads, limits, index, script):
    desk = make_desk(tmp_path / "run", uploads, **limits)
    yield Sender(desk, index, script)
    desk.stop()


def test_chunks_out_of_order_and_again_make_the_slide(sender):
    begun = sender.begin()
    assert begun.status_code == 201
    upload, chunk = begun.json()["id"], begun.json()["chunk"]
    assert chunk == CHUNK
    for number in (2, 0, 2):
        assert sender.put(upload, number, PARTS[number]).json() == {"whole": False}
    assert sender.state(upload)["received"] == [0, 2]
    assert not sender.whole(upload).exists()
    assert sender.put(upload, 1, PARTS[1]).json() == {"whole": True}
    assert sender.whole(upload).read_bytes() == CONTENT
    assert sender.state(upload)["state"] == "checking"
    # One more time, as after an answer that was lost.
    assert sender.put(upload, 1, PARTS[1]).status_code == 200
    assert sender.whole(upload).read_bytes() == CONTENT


def test_chunks_that_come_at_once_make_the_slide_once(sender):
    upload = sender.begin().json()["id"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda k: sender.put(upload, k, PARTS[k]), [0, 1, 2, 2, 1, 0]))
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["whole"] for answer in answers].count(True) == 1
    assert sender.whole(upload).read_bytes() == CONTENT


def test_two_uploads_of_one_name_are_two(sender):
    one, two = (sender.begin().json()["id"] for _ in range(2))
    other = bytes(reversed(CONTENT))
    for number, part in enumerate(PARTS):
        sender.put(one, number, part)
        start = number * CHUNK
        sender.put(two, number, other[start : start + CHUNK])
    assert one != two
    assert sender.whole(one).read_bytes() == CONTENT
    assert sender.whole(two).read_bytes() == other


def test_a_chunk_that_does_not_fit_is_refused(sender):
    upload = sender.begin().json()["id"]
    cases = [(0, PARTS[0][:-1]), (0, b""), (2, PARTS[0]), (3, b"x"), (9**9, b"x")]
    for number, content in [*cases, (2, PARTS[2] + b"x")]:
        answer = sender.put(upload, number, content)
        assert answer.status_code == 400, number
        assert "no part of this slide" in answer.json()["problem"]
    assert sender.state(upload)["received"] == []


def test_a_chunk_larger_than_any_is_not_even_read(sender):
    upload = sender.begin().json()["id"]
    assert sender.put(upload, 0, bytes((8 << 20) + 1)).status_code == 413
    # Nor one that does not say how large it is.
    endless = (bytes(1 << 20) for _ in range(20))
    assert sender.put(upload, 0, endless).status_code == 413
    assert sender.state(upload)["received"] == []
    # Other addresses stay at what a form may send.
    assert sender.client.put("/uploads", content=bytes(9000)).status_code == 413
    answer = sender.client.post("/uploads", data={"name": "x" * 9000, "form": sender.form})
    assert answer.status_code == 413


def test_another_file_of_the_same_name_and_size_is_told(sender):
    upload = sender.begin().json()["id"]
    sender.put(upload, 0, PARTS[0])
    answer = sender.put(upload, 0, PARTS[1])
    assert answer.status_code == 409
    assert "another file" in answer.json()["problem"]


def test_what_cannot_be_taken_is_refused_before_it_comes(sender):
    cases = [
        ("slide.exe", 9, 415, "Send one of .svs"),
        ("slide", 9, 415, "Send one of .svs"),
        ("slide.svs.zip", 9, 415, "Send one of .svs"),
        ("slide.svs", 0, 400, "empty"),
        ("slide.svs", -5, 400, "empty"),
        ("slide.svs", 1 << 50, 413, "larger than the 8 GB"),
        ("x" * 300 + ".svs", 9, 400, "Rename it"),
        ("", 9, 400, "Rename it"),
        ("a/", 9, 400, "Rename it"),
    ]
    for name, size, status, words in cases:
        answer = sender.begin(name, size)
        assert answer.status_code == status, name
        assert words in answer.json()["problem"]
    assert sender.desk.store.all() == []


def test_a_resolution_is_kept_and_one_that_is_none_refused(sender):
    for mpp in ("fine", "0", "-1", "nan", "inf", "999"):
        answer = sender.begin(mpp=mpp)
        assert answer.status_code == 400
        assert "such as 0.25" in answer.json()["problem"]
    assert sender.desk.store.get(sender.begin(mpp="0,25").json()["id"]).mpp == 0.25
    assert sender.desk.store.get(sender.begin(mpp=" ").json()["id"]).mpp is None


@pytest.mark.parametrize("name", [HOSTILE, "../../x.svs", "..\\..\\x.svs", "a\0b\n.svs"])
def test_a_name_is_text_and_nothing_else(sender, name):
    upload = sender.begin(name).json()["id"]
    for number, part in enumerate(PARTS):
        sender.put(upload, number, part)
    found = [path.relative_to(sender.desk.folder) for path in sender.desk.folder.rglob("*.svs")]
    assert [str(path) for path in found] == [f"{upload}/slide.svs"]
    for address in ("/uploads", f"/uploads/{upload}"):
        text = sender.client.get(address).text
        assert "<img src=x" not in text
        assert "\0" not in text
    shown = sender.desk.store.get(upload).name
    assert "/" not in shown
    assert shown.isprintable()


def test_no_part_of_an_address_becomes_a_path(sender):
    for address in ("../x", "%2e%2e/state.json", "u0/slide", "lock", "uploads.sqlite",
                    "u0/slides/u0/view.json", "%2fetc%2fpasswd"):  # fmt: skip
        assert sender.client.get(f"/uploads/{address}").status_code == 404, address


def test_pictures_of_an_upload_that_is_not_done_are_not_there(sender):
    upload = sender.begin().json()["id"]
    for address in ("slide", f"slides/{upload}/view.json", f"slides/{upload}/thumbnail.png"):
        assert sender.client.get(f"/uploads/{upload}/{address}").status_code == 404


def test_nothing_is_taken_from_who_is_not_logged_in_or_from_other_pages(sender, index, script):
    upload = sender.begin().json()["id"]
    wrong = {"form": "forged"}
    assert sender.begin(**wrong).status_code == 403
    assert sender.put(upload, 0, PARTS[0], **{"x-form": "forged"}).status_code == 403
    assert sender.put(upload, 0, PARTS[0], origin="http://elsewhere").status_code == 403
    for change in ("cancel", "remove", "again"):
        answer = sender.client.post(f"/uploads/{upload}/{change}", data=wrong)
        assert answer.status_code == 403
    sender.client.cookies.clear()
    assert sender.begin().status_code == 401
    assert sender.put(upload, 0, PARTS[0]).status_code == 401
    assert sender.client.get(f"/uploads/{upload}/state.json").status_code == 401
    assert sender.desk.store.received(upload) == {}
    assert sender.desk.store.get(upload).state == "receiving"
    assert len(sender.desk.store.all()) == 1


@pytest.mark.parametrize("limits", [{"uploads": 2, "slide_bytes": 1000}])
def test_number_and_size_are_limited(sender):
    assert sender.begin(size=1001).status_code == 413
    first = sender.begin(size=1000).json()["id"]
    assert sender.begin(size=1000).status_code == 201
    answer = sender.begin(size=1000)
    assert answer.status_code == 409
    assert "Remove one" in answer.json()["problem"]
    assert "2 uploads are kept already" in sender.client.get("/uploads").text
    sender.client.post(f"/uploads/{first}/remove", data={"form": sender.form})
    assert sender.begin(size=1000).status_code == 201


def test_cancelled_uploads_take_nothing_and_removed_ones_are_gone(sender):
    upload = sender.begin("Doe John.svs").json()["id"]
    sender.put(upload, 0, PARTS[0])
    sender.client.post(f"/uploads/{upload}/cancel", data={"form": sender.form})
    assert sender.put(upload, 1, PARTS[1]).status_code == 409
    sender.client.post(f"/uploads/{upload}/again", data={"form": sender.form})
    assert sender.state(upload)["state"] == "cancelled"
    sender.client.post(f"/uploads/{upload}/remove", data={"form": sender.form})
    assert sender.client.get(f"/uploads/{upload}").status_code == 404
    assert not (sender.desk.folder / upload).exists()
    sender.desk.store.close()
    kept = (sender.desk.folder / "uploads.sqlite").read_bytes()
    assert b"Doe John" not in kept


def test_a_slide_that_was_whole_when_the_viewer_was_killed_goes_on(sender):
    upload = sender.begin().json()["id"]
    for number in (0, 1):
        sender.put(upload, number, PARTS[number])
    found = sender.desk.store.get(upload)
    # Killed between the last chunk's note and what follows it.
    with (sender.desk.folder / upload / "slide.part").open("r+b") as stream:
        stream.seek(2 * CHUNK)
        stream.write(PARTS[2])
    sender.desk.store.note_chunk(upload, 2, hashlib.sha256(PARTS[2]).hexdigest())
    sender.desk.receiver.finish_whole()
    assert sender.desk.store.get(upload).state == "checking"
    assert slide_file(sender.desk.folder, found).read_bytes() == CONTENT


def test_two_viewers_do_not_share_a_folder(sender, tmp_path):
    with pytest.raises(InputError, match="another viewer takes uploads"):
        make_desk(tmp_path / "run", sender.desk.folder)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    allowed = shutil.which("mount") and not subprocess.run(mount, check=False).returncode
    if not allowed:
        pytest.skip("no right to mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(small_disk, tmp_path, index, script):
    desk = make_desk(tmp_path / "run", small_disk / "uploads")
    try:
        sender = Sender(desk, index, script)
        answer = sender.begin(size=3 << 20)
        assert answer.status_code == 507
        assert "Remove other uploads" in answer.json()["problem"]
        upload = sender.begin().json()["id"]
        sender.put(upload, 0, PARTS[0])
        # What is promised to one is not promised to another.
        assert sender.begin(size=6 * CHUNK).status_code == 507
        filler = small_disk / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - (CHUNK // 2)))
        answer = sender.put(upload, 1, PARTS[1])
        assert answer.status_code == 507
        assert "disk is full" in answer.json()["problem"]
        assert sender.state(upload)["received"] == [0]
        assert os.path.getsize(desk.folder / upload / "slide.part") == CHUNK
        filler.unlink()
        for number in (1, 2):
            assert sender.put(upload, number, PARTS[number]).status_code == 200
        assert sender.whole(upload).read_bytes() == CONTENT
    finally:
        desk.stop()
