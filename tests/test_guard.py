import faulthandler
import mmap
import os
import signal
import time

import numpy as np
import pytest

from histoniche.errors import InputError, Unusable, UnusableSlide
from histoniche.guard import run_limited


def crash():
    faulthandler.disable()
    os.kill(os.getpid(), signal.SIGSEGV)


def devour():
    np.ones(3 * 2**30, np.uint8)


def spin():
    while True:
        pass


def find_fault():
    raise UnusableSlide("torn")


def mistake():
    raise InputError("wrong", file="a.png", column="tissue_mask", remedy="mend it")


def blunder():
    raise KeyError("x")


def test_a_crashing_reader_is_a_reason_not_a_crash():
    with pytest.raises(Unusable, match="crashed"):
        run_limited(crash)


def test_a_reader_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr("histoniche.guard._GRACE", 1)
    start = time.monotonic()
    with pytest.raises(Unusable, match="did not come to an end within 1 s"):
        run_limited(time.sleep, 60, seconds=1)
    assert time.monotonic() - start < 20


def test_a_reader_that_spins_is_ended():
    with pytest.raises(Unusable, match="went over its limits"):
        run_limited(spin, seconds=1)


def test_what_the_parent_has_reserved_does_not_count():
    with mmap.mmap(-1, 3 * 2**30):
        run_limited(np.ones, 2**28, np.uint8, memory_gb=1)


def test_memory_is_bounded():
    with pytest.raises(Unusable, match="more than 2 GB"):
        run_limited(devour, memory_gb=2)


def test_reasons_and_faults_come_through():
    with pytest.raises(Unusable, match=r"^torn$"):
        run_limited(find_fault)
    with pytest.raises(InputError, match=r"^a.png, column tissue_mask: wrong; mend it$"):
        run_limited(mistake)
    with pytest.raises(RuntimeError, match="KeyError"):
        run_limited(blunder)
