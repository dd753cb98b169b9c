"""Programs that answer as those of a cluster or a GPU would."""

import os
from pathlib import Path

import pytest

NODES = """\
cpu*|16|64000|(null)|2-00:00:00|idle
cpu*|16|64000|(null)|2-00:00:00|down*
gpu|8|128000|gpu:a100:2(S:0-1)|1-00:00:00|mixed
old|4|8000|(null)|infinite|drained
"""


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a program on PATH that prints a text and ends with a status; nothing else is there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def write(name: str, text: str, *, status: int = 0, stream: int = 1) -> None:
        program = folder / name
        program.write_text(f"#!/bin/sh\ncat >&{stream} <<'END'\n{text}\nEND\nexit {status}\n")
        program.chmod(0o755)

    return write


@pytest.fixture
def sinfo(put):
    """SLURM's sinfo on a cluster of a few nodes, and the squeue that its plugin looks for."""
    put("sinfo", NODES.rstrip("\n"))
    put("squeue", "slurm 24.05.0")
