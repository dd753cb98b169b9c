import pytest

from histoniche.cohort.sources.connection import Connection, Patience
from source_server import serving

QUICK = Patience(attempts=4, first_s=0.01, longest_s=0.05, longest_asked_s=5, read_s=5)
"""Pauses that a test can wait for."""


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def other_server():
    with serving() as running:
        yield running


@pytest.fixture
def connection():
    return Connection(patience=QUICK)
