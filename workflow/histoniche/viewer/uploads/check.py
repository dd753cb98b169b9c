"""Check: a slide that somebody sent is tried in a limited process before anything works on it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import histoniche
from histoniche.errors import Unusable
from histoniche.files import read_json, write_json
from histoniche.guard import run_limited
from histoniche.slides.inspection import sample_levels
from histoniche.slides.readers.choice import open_slide

_GRACE = 60


def why_unusable(path: Path, *, mpp: float | None, memory_gb: float, seconds: int) -> str:
    """Say why a slide cannot be used; empty if it can be read at every level.

    It is tried in a process of a process: the outer one is started anew, since one that
    serves pages has threads and cannot be forked safely; the inner one has the limits.

    Parameters
    ----------
    path
        The slide.
    mpp
        Micrometres per pixel as the user said, or None.
    memory_gb, seconds
        Of memory beyond the file's own size, and of CPU time.
    """
    with tempfile.TemporaryDirectory() as name:
        found = Path(name) / "found.json"
        given = "" if mpp is None else str(mpp)
        arguments = [str(path), given, str(memory_gb), str(seconds), str(found)]
        package = str(Path(histoniche.__file__).parents[1])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, *sys.path])}
        try:
            subprocess.run(
                [sys.executable, "-m", __name__, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=2 * seconds + _GRACE,
                # Ctrl+C in the viewer's terminal says nothing about a slide.
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "the reader did not come to an end"
        if not found.is_file():
            return "the reader crashed"
        return str(read_json(found)["reason"])


def _try(path: Path, mpp: float | None) -> None:
    """Open a slide and read a little of every level."""
    with open_slide(path, mpp=mpp) as slide:
        sample_levels(slide)


def main(path: Path, mpp: float | None, memory_gb: float, seconds: int, found: Path) -> None:
    """Try a slide in a limited process, and write why it cannot be used."""
    try:
        # A file that is mapped into memory counts.
        memory = memory_gb + path.stat().st_size / 2**30
        run_limited(_try, path, mpp, memory_gb=memory, seconds=seconds)
        reason = ""
    except (Unusable, RuntimeError) as error:
        reason = " ".join(str(error).split())
    write_json({"reason": reason}, found)


if __name__ == "__main__":
    _path, _mpp, _memory, _seconds, _found = sys.argv[1:]
    main(Path(_path), float(_mpp) if _mpp else None, float(_memory), int(_seconds), Path(_found))
