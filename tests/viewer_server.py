"""The command `histoniche view`, started for a test."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from study import CHECKOUT


@dataclass(frozen=True)
class Running:
    """A viewer that runs: its address with the token, and its process."""

    address: str
    printed: str
    process: int

    @property
    def base(self) -> str:
        """Its address without a page."""
        return self.address.partition("/login")[0]

    @property
    def token(self) -> str:
        return self.address.partition("token=")[2]


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def viewing(
    results: Path, *arguments: str, cwd: Path, port: int | None = None
) -> Iterator[Running]:
    """Run the viewer of some results until the block ends."""
    port = port or free_port()
    code = "from histoniche.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "view", str(results), "--port", str(port), *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT / "workflow"), *sys.path]),
            "PYTHONUNBUFFERED": "1",
        },
    )
    assert process.stdout is not None
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if found := re.search(r"http://\S+", line):
                yield Running(found.group(), printed, process.pid)
                return
        raise AssertionError(f"the viewer did not start: {printed}")
    finally:
        process.terminate()
        process.wait(20)
