"""Keeping the page small: of a large cohort, large pictures stay in files beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from histoniche.report.blocks import Block, Gallery, Photo, Picture, Section, Table
from histoniche.report.pictures import LARGEST_DRAWING

MOST_BYTES = 15_000_000
"""Size of a page above which pictures are linked."""

Place = tuple[int, int, int]
"""Section, block, and photo of a gallery; -1 is a figure itself, -2 its table."""

_CELL = 70
"""Bytes of a cell's tags, and more than that of short ones."""


def lighter(sections: Sequence[Section], excess: int) -> list[Section]:
    """Sections with their largest parts in files beside the page, not in it.

    Parameters
    ----------
    sections
        What the page shows.
    excess
        By how many bytes the page has to shrink.

    Returns
    -------
    The same sections with as few linked pictures as it takes, or with all of them if even that
    is not enough.
    """
    chosen: set[Place] = set()
    freed = 0
    for size, place in sorted(_parts(sections), key=lambda part: (-part[0], part[1])):
        if freed >= excess:
            break
        chosen.add(place)
        freed += size
    return [
        replace(section, blocks=[_linked(block, (i, j), chosen) for j, block in _of(section)])
        for i, section in enumerate(sections)
    ]


def linked_pictures(sections: Sequence[Section]) -> int:
    """Number of pictures that stand in files beside the page."""
    addresses = [
        shown.address
        for section in sections
        for block in section.blocks
        for shown in (block.photos if isinstance(block, Gallery) else [block])
        if isinstance(shown, Photo | Picture)
    ]
    return sum(bool(address) and not str(address).startswith("data:") for address in addresses)


def _of(section: Section) -> Iterator[tuple[int, Block]]:
    """Blocks with their places."""
    yield from enumerate(section.blocks)


def _parts(sections: Sequence[Section]) -> Iterator[tuple[int, Place]]:
    """Size in bytes and place of everything that has a file beside the page."""
    for i, section in enumerate(sections):
        for j, block in _of(section):
            if isinstance(block, Picture) and block.files:
                yield _weight(block), (i, j, -1)
                if block.rows is not None:
                    yield _table_weight(block.rows), (i, j, -2)
            elif isinstance(block, Gallery):
                for k, photo in enumerate(block.photos):
                    if photo.file and photo.address:
                        yield len(photo.address), (i, j, k)


def _weight(picture: Picture) -> int:
    """Bytes of what a figure holds."""
    drawing = "" if picture.drawing is None else str(picture.drawing)
    return len(drawing.encode("utf-8")) + len(picture.address)


def _table_weight(rows: Table) -> int:
    """About the bytes of a table."""
    return sum(len(cell.encode("utf-8")) + _CELL for row in rows.rows for cell in row)


def _linked(block: Block, at: tuple[int, int], chosen: set[Place]) -> Block:
    """A block with its chosen parts linked."""
    if isinstance(block, Picture):
        if (*at, -1) in chosen:
            block = replace(block, drawing=None, address=_file_of(block))
        return replace(block, rows=None) if (*at, -2) in chosen else block
    if isinstance(block, Gallery):
        photos = [
            replace(photo, address=photo.file) if (*at, k) in chosen else photo
            for k, photo in enumerate(block.photos)
        ]
        return replace(block, photos=photos)
    return block


def _file_of(picture: Picture) -> str:
    """The drawing's file, or that of its picture where the drawing is too large to be quick."""
    drawing, pixels = picture.files[0].address, picture.files[1].address
    return pixels if picture.drawing is None or _weight(picture) > LARGEST_DRAWING else drawing
