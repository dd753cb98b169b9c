"""The contact sheet: all slides in small, so that a person sees at once what went wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from histoniche.pictures import save_png, wrapped
from histoniche.slides.artefact_kinds import COLOURS
from histoniche.slides.pictures import CONTOUR
from histoniche.tables import read_table

_INK, _ALARM, _EMPTY = "#222222", "#7A1F1F", "#EEEEEE"
_SIDE, _GAP, _LINE = 200, 14, 18


class Entry(NamedTuple):
    """One slide: id, picture if there is one, and a remark that says what is wrong with it."""

    slide: str
    picture: Path | None
    remark: str


def collect_contact_sheet(quality: Path, pictures: Mapping[str, Path], out: Path) -> None:
    """Draw the slides of a cohort, those with remarks first.

    Parameters
    ----------
    quality
        The quality table.
    pictures
        Picture of each slide that was inspected; one without, since it was excluded in
        the sheet, is shown as an empty field.
    out
        PNG.
    """
    table = read_table(quality)[["slide", "status", "reason", "flags"]].astype(str)
    entries = [
        Entry(slide, pictures.get(slide), _remark(status, reason or flags))
        for slide, status, reason, flags in table.itertuples(index=False)
    ]
    draw_contact_sheet(sorted(entries, key=lambda entry: (not entry.remark, entry.slide)), out)


def draw_contact_sheet(entries: Sequence[Entry], out: Path, *, columns: int = 8) -> None:
    """Draw all slides in small, with contours, artefacts and remarks, above a legend.

    Parameters
    ----------
    entries
        Slides in their order.
    """
    font, small = ImageFont.load_default(13), ImageFont.load_default(11)
    cell = (_SIDE + _GAP, _SIDE + 3 * _LINE + _GAP)
    columns = min(columns, max(1, len(entries)))
    rows = -(-len(entries) // columns)
    width = max(columns * cell[0] + _GAP, 640)
    sheet = Image.new("RGB", (width, rows * cell[1] + 3 * _GAP + _LINE), "white")
    draw = ImageDraw.Draw(sheet)
    left = _GAP
    for name, colour in {"tissue": CONTOUR, **COLOURS}.items():
        draw.rectangle((left, _GAP, left + 12, _GAP + 12), fill=colour)
        draw.text((left + 18, _GAP - 2), name, fill=_INK, font=font)
        left += 40 + round(draw.textlength(name, font=font))
    for number, entry in enumerate(entries):
        row, column = divmod(number, columns)
        x, y = _GAP + column * cell[0], 2 * _GAP + _LINE + row * cell[1]
        if entry.picture is None:
            draw.rectangle((x, y, x + _SIDE, y + _SIDE * 3 // 4), fill=_EMPTY)
        else:
            with Image.open(entry.picture) as image:
                picture = image.convert("RGB")
            picture.thumbnail((_SIDE, _SIDE))
            sheet.paste(picture, (x, y))
        draw.text((x, y + _SIDE + 2), entry.slide, fill=_INK, font=font)
        for line, words in enumerate(wrapped(entry.remark, 34)[:2]):
            place = (x, y + _SIDE + 2 + (line + 1) * (_LINE - 3))
            draw.text(place, words, fill=_ALARM, font=small)
    save_png(sheet, out)


def _remark(status: str, words: str) -> str:
    """What is written under a slide: nothing under one that is used and has no flags."""
    return words if status == "ok" else f"{status}: {words}"
