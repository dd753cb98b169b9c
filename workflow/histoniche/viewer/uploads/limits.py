"""Limits of what may be sent, kept and tried."""

from dataclasses import dataclass

SUFFIXES = (
    ".svs", ".tif", ".tiff", ".ndpi", ".scn", ".bif", ".svslide", ".png", ".jpg", ".jpeg",
)  # fmt: skip
"""Endings of slides that are one file each, and that a reader knows."""

LONGEST_NAME = 255


@dataclass(frozen=True)
class Limits:
    """Limits of uploads; all of them hold for all people together."""

    slide_bytes: int = 8 << 30
    """Of one slide."""
    uploads: int = 20
    """Uploads that are kept at a time, finished ones among them."""
    keep_seconds: float = 7 * 86400
    """How long an upload is kept after anything last happened to it."""
    least_chunk: int = 1 << 18
    most_chunk: int = 8 << 20
    """Bytes that one request carries: more of larger slides, so that few are needed."""
    chunks_at_once: int = 8
    """Chunks that are held in memory at a time."""
    spare_bytes: int = 1 << 30
    """What an upload leaves free on the disk, for the results."""
    check_gb: float = 8
    """Memory of the process that tries a slide."""
    check_seconds: int = 120
    """Its CPU time."""

    def chunk_bytes(self, size: int) -> int:
        """Bytes of a chunk of a slide of so many bytes, about a 500th of it."""
        wanted = -(-size // (500 * self.least_chunk)) * self.least_chunk
        return min(self.most_chunk, max(self.least_chunk, wanted))


def suffix_of(name: str) -> str:
    """Ending of a slide's name, of those that may be sent; empty if it is none."""
    lower = name.lower()
    return next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), "")
