"""A file of a source, and the record of its coming."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Remote:
    """A file of a source."""

    path: str
    """Where it goes, below the cohort's folder."""
    url: str
    size: int | None = None
    """Bytes; None if the source does not say."""
    md5: str | None = None
    controlled: bool = False
    """Whether a token is needed."""


@dataclass(frozen=True)
class Fetched:
    """What was fetched, and when."""

    path: str
    url: str
    size: int
    md5: str
    sha256: str
    verified: str
    """What it was checked against: `md5` or `size` of the source's list, or the `length` that
    the server announced."""
    etag: str
    modified: str
    fetched: str
    """Time of its completion, UTC."""
