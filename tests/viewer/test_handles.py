"""Open slides and kept tiles: bounded, taken in turns, opened anew after an error."""

import threading
import time
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest

from histoniche.errors import UnusableSlide
from histoniche.slides.readers.choice import open_slide
from histoniche.viewer.cache import Cache
from histoniche.viewer.handles import HandlePool
from histoniche.viewer.index import Index
from histoniche.viewer.pictures import Pictures
from histoniche.viewer.settings import Settings
from histoniche.viewer.sources import SlideFile, read_sources
from histoniche.viewer.tiles import SlideTiles


class Counted:
    """Opens real slides and counts how often, and how many at a time."""

    def __init__(self, failing=0):
        self.opened = self.now = self.most = 0
        self.failing = failing

    @contextmanager
    def __call__(self, file):
        with open_slide(file.path, mpp=file.mpp) as slide:
            self.opened += 1
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                yield slide
            finally:
                self.now -= 1

    def stumble(self, slide):
        """A decoder that fails some times."""
        if self.failing:
            self.failing -= 1
            raise UnusableSlide("level 0, row 3, column 4: damaged")
        return slide.read(0, 0, 0, 8, 8)


@pytest.fixture
def pool_of():
    """Makes pools that are closed in the end."""
    pools = []

    def make(*arguments, **named):
        pools.append(HandlePool(*arguments, **named))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def files(made, tmp_path):
    """Twelve slides, links to one."""
    there = []
    for number in range(12):
        path = tmp_path / f"{number}.tif"
        path.symlink_to(made.folder / "slides" / "P1-2.tif")
        there.append(SlideFile(path, None))
    return there


def test_no_more_slides_are_open_than_may_be(files, pool_of):
    opened = Counted()
    pool = pool_of(3, opened=opened)
    for file in [*files, *files]:
        pool.read(file, lambda slide: slide.read(0, 0, 0, 8, 8))
    assert opened.most == 3
    assert len(pool) == 3
    pool.close()
    assert opened.now == 0


def test_a_slide_that_is_wanted_again_stays_open(files, pool_of):
    opened = Counted()
    pool = pool_of(3, opened=opened)
    for file in files:
        pool.read(files[0], lambda slide: slide.levels)
        pool.read(file, lambda slide: slide.levels)
    assert opened.opened == len(files)


def test_many_readers_at_once_keep_the_bound_and_take_turns(files, pool_of):
    opened, inside, overlapping = Counted(), {}, []
    pool = pool_of(2, opened=opened)

    def work(slide):
        key = id(slide)
        inside[key] = inside.get(key, 0) + 1
        overlapping.append(inside[key])
        time.sleep(0.002)
        inside[key] -= 1

    threads = [
        threading.Thread(target=lambda n=n: pool.read(files[n % 6], work)) for n in range(36)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(overlapping) == 36
    assert max(overlapping) == 1
    assert opened.most == 2


def test_large_slides_give_way_by_their_bytes(made, tmp_path, pool_of):
    from PIL import Image

    plain = []
    for number in range(4):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (1000, 1000), "#AA5588").save(path)
        plain.append(SlideFile(path, 0.5))
    pool = pool_of(8, most_bytes=7_000_000)
    for file in plain:
        pool.read(file, lambda slide: slide.levels)
    assert len(pool) == 2


def test_after_a_decoder_error_the_slide_is_opened_anew_once(files, pool_of):
    opened = Counted(failing=1)
    pool = pool_of(3, opened=opened)
    assert pool.read(files[0], opened.stumble).shape == (8, 8, 3)
    assert opened.opened == 2


def test_a_slide_that_stays_damaged_is_an_error_and_not_open(files, pool_of):
    opened = Counted(failing=100)
    pool = pool_of(3, opened=opened)
    with pytest.raises(UnusableSlide, match="damaged"):
        pool.read(files[0], opened.stumble)
    assert opened.opened == 2
    assert len(pool) == 0
    opened.failing = 0
    assert pool.read(files[0], opened.stumble) is not None


def test_a_file_that_changed_is_opened_anew(made, tmp_path, pool_of):
    path = tmp_path / "S.tif"
    path.write_bytes((made.folder / "slides" / "P1-2.tif").read_bytes())
    pool = pool_of(3)
    before = pool.read(SlideFile(path, None), lambda slide: slide.levels[0][:2])
    path.write_bytes((made.folder / "slides" / "P1-1.tif").read_bytes())
    after = pool.read(SlideFile(path, None), lambda slide: slide.levels[0][:2])
    assert before != after


def test_a_slide_that_is_not_the_runs_any_more_says_so(made, browse, tmp_path):
    sources = read_sources(made.config)
    other = sources.files["P1-2"]
    index = Index(made.results, sources._replace(files={**sources.files, "P1-1": other}))
    answer = browse(index).get("/slides/P1-1/tiles/9/0_0.jpg")
    assert answer.status_code == 503
    assert "no longer the one that the run saw" in answer.text


def test_what_is_kept_has_a_bound_and_is_made_once():
    made, kept = [], Cache(100, len)

    def make(key):
        made.append(key)
        time.sleep(0.01)
        return bytes(30)

    threads = [
        threading.Thread(target=lambda: kept.get_or_make("a", lambda: make("a"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert made == ["a"]
    for key in "bcd":
        kept.get_or_make(key, lambda key=key: make(key))
    assert kept.size == 90
    assert kept.get("a") is None
    assert kept.get("d") is not None


def test_an_error_reaches_all_who_wait_and_is_not_kept():
    kept = Cache(10)
    with pytest.raises(ValueError, match="once"):
        kept.get_or_make("a", lambda: (_ for _ in ()).throw(ValueError("once")))
    assert kept.get_or_make("a", lambda: 5) == 5


def test_memory_stays_bounded_over_many_tiles(index, pool_of):
    settings = Settings(tile_px=64, cached_bytes=300_000, kept_overlays=2)
    pictures = Pictures(index, settings, SlideTiles(settings, pool_of(1)))
    rng = np.random.default_rng(0)

    def look(number):
        for _ in range(number):
            slide = rng.choice(["P1-1", "P1-2"])
            pyramid = pictures.pyramid(slide)
            level = int(rng.integers(pyramid.last - 3, pyramid.last + 1))
            side = 64 * 2 ** (pyramid.last - level)
            column = int(rng.integers(0, -(-pyramid.width // side)))
            row = int(rng.integers(0, -(-pyramid.height // side)))
            assert pictures.slide_tile(slide, (level, column, row))
            name = rng.choice(["regions", "trait-egfr", "probability-CT", "cartography", "tissue"])
            assert pictures.overlay_tile(slide, name, (level, column, row))

    look(50)
    tracemalloc.start()
    try:
        look(25)
        early = tracemalloc.get_traced_memory()[0]
        look(475)
        late = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert pictures.kept.size <= 300_000
    assert len(pictures.tiles.pool) == 1
    assert late - early < 3_000_000
    pictures.tiles.pool.close()
