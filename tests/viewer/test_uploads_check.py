"""Slides that were sent are tried in a process with limits: what they come to in the queue."""

import shutil
import time
import zipfile

import pytest

from histoniche.viewer.uploads.check import why_unusable
from histoniche.viewer.uploads.chunks import slide_file
from histoniche.viewer.uploads.runner import Place, Runner
from hostile_slides import write_bomb, write_huge, write_text
from upload_desk import make_desk

SVS = "CMU-1-Small-Region.svs"


def tried(path, mpp=0.5, **limits):
    return why_unusable(path, mpp=mpp, **{"memory_gb": 2, "seconds": 30, **limits})


def truncated(path, real_data):
    content = (real_data / "slides" / SVS).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def zipped(path, real_data):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("slide.svs", bytes(100 << 20))


CASES = {
    "a text called .svs": ("svs", lambda path, _: write_text(path), "no reader"),
    "a truncated SVS": ("svs", truncated, ""),
    "a zip bomb called .svs": ("svs", zipped, "no reader"),
    "a bomb of pixels": ("png", lambda path, _: write_bomb(path), "too large"),
    "100,000 px a side": ("tif", lambda path, _: write_huge(path, 100_000), ""),
    "an SVS that was broken": ("svs", "broken.svs", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_slide_is_told_in_a_line(case, tmp_path, real_data):
    suffix, make, words = CASES[case]
    path = tmp_path / f"slide.{suffix}"
    if isinstance(make, str):
        shutil.copy(real_data / "slides" / make, path)
    else:
        make(path, real_data)
    reason = tried(path)
    assert words in reason
    assert 5 < len(reason) < 200
    assert "\n" not in reason
    assert str(tmp_path) not in reason


def test_real_slides_pass(real_data):
    for name, mpp in ((SVS, None), ("TCGA-CR-7395-01A-01-TS1.svs", 0.25)):
        assert tried(real_data / "slides" / name, mpp=mpp) == ""


def test_what_takes_too_much_memory_or_time_is_ended(real_data):
    path = real_data / "slides" / SVS
    assert "needs more than" in tried(path, memory_gb=0.001)
    assert "limits" in tried(path, seconds=0)


@pytest.fixture
def desk(tmp_path):
    desk = make_desk(tmp_path / "run", tmp_path / "uploads")
    yield desk
    desk.stop()


def sent(desk, path, name, mpp=None):
    """An upload that has come in."""
    content = path.read_bytes()
    upload = desk.receiver.start(name, size=len(content), mpp=mpp)
    for number in range(upload.chunks):
        start = number * upload.chunk
        desk.receiver.receive(upload, number, content[start : start + upload.chunk])
    return upload.id


def checked(desk, upload):
    """An upload as it is when the runner has tried it, and gone no further."""
    runner = Runner(desk.store, desk.folder, desk.plan, desk.limits, Place())
    until = time.monotonic() + 60
    while desk.store.get(upload).state == "checking" and time.monotonic() < until:
        runner._tend()
    return desk.store.get(upload)


def test_a_text_is_refused_and_removed_and_the_page_says_why(desk, tmp_path):
    path = tmp_path / "text.svs"
    write_text(path)
    found = checked(desk, sent(desk, path, "text.svs"))
    assert found.state == "refused"
    assert "no reader knows this format" in found.reason
    assert not slide_file(desk.folder, found).exists()
    assert not desk.again(found)


def test_a_slide_is_queued_and_one_without_resolution_asks_for_it(desk, real_data, tmp_path):
    found = checked(desk, sent(desk, real_data / "slides" / SVS, "a.svs"))
    assert found.state == "queued"
    plain = real_data / "slides" / "openslide_boxes.tiff"
    found = checked(desk, sent(desk, plain, "b.tiff"))
    assert found.state == "refused"
    assert "send it again with µm per pixel" in found.reason
    found = checked(desk, sent(desk, plain, "b.tiff", mpp=0.5))
    assert found.state == "queued"
