"""Bounds of the viewer: what it keeps in memory, and how fine its pictures are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Bounds of the viewer; all of them hold for all viewers together."""

    tile_px: int = 512
    """Side of a tile in pixels."""
    jpeg_quality: int = 85
    """Quality of the slides' tiles, 1 to 100."""
    open_slides: int = 8
    """Slides that are open at a time."""
    open_bytes: int = 2 << 30
    """Most that open slides hold together; a single one may be larger."""
    cached_bytes: int = 256 << 20
    """Tiles that are kept, as they are sent."""
    kept_overlays: int = 16
    """Slides whose overlays are kept."""
    page_rows: int = 100
    """Rows of a table on a page."""
    largest_form: int = 8192
    """Bytes of what a browser sends."""
    session_hours: float = 12
    """How long a login holds."""
