"""The parts that the summary page is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from markupsafe import Markup

from histoniche.wording import listed

FindingKind = Literal["holds", "open", "caution"]


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    tone: Literal["plain", "muted", "caution"] = "plain"
    kind: str = "paragraph"


@dataclass(frozen=True)
class Heading:
    """Heading within a section."""

    text: str
    kind: str = "heading"


@dataclass(frozen=True)
class Column:
    """Head of a column; numbers stand to the right."""

    name: str
    number: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under columns."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    note: str = ""
    kind: str = "table"


@dataclass(frozen=True)
class Link:
    """A file beside the page, or a place in the page."""

    text: str
    address: str


@dataclass(frozen=True)
class Picture:
    """One figure of the page: vector drawing, or else the address of a picture.

    The address holds the picture itself (`data:`), or leads to its file beside the page.
    """

    title: str
    caption: str
    drawing: Markup | None = None
    address: str = ""
    files: Sequence[Link] = ()
    rows: Table | None = None
    """The table that it was drawn from, if that is small."""
    table: Link | None = None
    """The file of that table, with its size in words."""
    kind: str = "picture"


@dataclass(frozen=True)
class Photo:
    """One slide in a gallery; without an address there is no picture of it."""

    label: str
    note: str
    address: str | None
    file: str = ""
    """Where the picture itself lies beside the page."""


@dataclass(frozen=True)
class Gallery:
    """Slides side by side."""

    title: str
    photos: Sequence[Photo]
    size: Literal["small", "large"]
    note: str = ""
    kind: str = "gallery"


@dataclass(frozen=True)
class Swatches:
    """Colours of the regions with their names."""

    regions: Sequence[tuple[str, str, str]]
    kind: str = "swatches"


@dataclass(frozen=True)
class Tile:
    """One number to be seen at a glance."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Tiles:
    """Numbers side by side."""

    tiles: Sequence[Tile]
    kind: str = "tiles"


@dataclass(frozen=True)
class Finding:
    """One sentence on what was found.

    `holds` after correction, is `open` (nothing held), or a `caution`.
    """

    text: str
    verdict: FindingKind
    see: str = ""
    """Name of the section that tells more."""


def caution(text: str, see: str) -> Finding:
    """What to be careful with, and the name of the section that tells more."""
    return Finding(text, "caution", see)


def caution_on(
    parts: list[str], what: str, then: str, see: str, *, between: str = ", "
) -> Iterator[Finding]:
    """What to be careful with, where there is any of it: "`what`: a, b and 3 more. `then`"."""
    if parts:
        yield caution(f"{what}: {listed(parts, between=between)}. {then}", see)


@dataclass(frozen=True)
class Findings:
    """Sentences on what was found."""

    findings: Sequence[Finding]
    kind: str = "findings"


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: Sequence[str]
    kind: str = "bullets"


Block = Paragraph | Heading | Table | Picture | Gallery | Swatches | Tiles | Findings | Bullets


@dataclass(frozen=True)
class Section:
    """A part of the page with its place in the table of contents."""

    name: str
    title: str
    blocks: Sequence[Block]
    missing: str = ""
    """Why its stage did not run, if it did not; then it does not stand on the page."""


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> Table:
    """Table from heads in which a leading > marks a column of numbers."""
    columns = [Column(head.removeprefix(">"), head.startswith(">")) for head in heads]
    return Table(title, columns, rows, note)


def without_empty_note(full: Table) -> Table:
    """Table without its last column, the note, if no row has one."""
    if any(row[-1] for row in full.rows):
        return full
    return replace(full, columns=full.columns[:-1], rows=[row[:-1] for row in full.rows])


def not_run(name: str, title: str, block: str) -> Section:
    """Section of a stage that did not run, because the configuration has no such block."""
    return Section(name, title, [], missing=f"no `{block}` block")
