"""What the summary page links to beside itself."""

from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

LINKED = {".svg": "image/svg+xml", ".png": "image/png", ".tsv": "text/tab-separated-values"}
"""Kinds of files that the page links to, with their media types."""


def linked_places(page: str) -> list[str]:
    """Places of files that a page names beside itself, as its links give them, unquoted.

    Parameters
    ----------
    page
        HTML.
    """
    reader = _Links()
    reader.feed(page)
    return [place for place in reader.places if place.endswith(tuple(LINKED))]


class _Links(HTMLParser):
    """Collects the places that a page names beside itself."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the element links to or shows."""
        for name, value in attrs:
            if name in ("href", "src") and value and not value.startswith(("#", "data:")):
                with suppress(ValueError):
                    parts = urlsplit(value)
                    if not parts.scheme and not parts.netloc:
                        self.places.append(unquote(parts.path))
