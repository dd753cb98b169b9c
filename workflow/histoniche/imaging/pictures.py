"""The contact picture of a patient: all slices and maps, with the tumour's outline."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import find_contours

from histoniche.imaging.samples import Sample
from histoniche.imaging.units import DIFFUSIVITIES
from histoniche.pictures import draw_scale, save_png

# Orange of Okabe and Ito, which everybody tells from grey.
_OUTLINE = (230, 159, 0)
_INK, _FAINT = "#222222", "#666666"
_PANEL, _GAP, _LEFT, _HEAD, _FOOT = 192, 6, 76, 66, 40
# Lines are drawn so many times larger and then reduced, so that they are smooth.
_FINER = 2


def draw_sample(
    sample: Sample, maps: Sequence[str], out: Path, *, title: str, subtitle: str = ""
) -> None:
    """Draw a sample, one row a slice from the top down, one column a map.

    Grey values run from black to white over the range written above each column, the same for
    all patients where the map is one of the diffusion tensor.

    Parameters
    ----------
    sample
        As `make_sample` makes it.
    maps
        Names of the maps, in their order.
    out
        PNG.
    title, subtitle
        Who it is, and what is to be known.
    """
    count = len(sample.images)
    width = _LEFT + len(maps) * (_PANEL + _GAP) + _GAP
    sheet = Image.new("RGB", (width, _HEAD + count * (_PANEL + _GAP) + _FOOT), "white")
    draw = ImageDraw.Draw(sheet)
    font, bold, small = (ImageFont.load_default(size) for size in (14, 17, 12))
    draw.text((_GAP + 2, 4), title, fill=_INK, font=bold)
    draw.text((_GAP + 10 + draw.textlength(title, font=bold), 7), subtitle, fill=_FAINT, font=font)
    for column, name in enumerate(maps):
        x = _LEFT + column * (_PANEL + _GAP)
        low, high, words = _window(name, sample.images[:, column])
        draw.text((x, 28), name, fill=_INK, font=bold)
        draw.text((x, 48), words, fill=_FAINT, font=small)
        # The highest slice stands on top.
        for row, number in enumerate(reversed(range(count))):
            grey = np.clip((sample.images[number, column] - low) / (high - low), 0, 1)
            panel = _draw_panel(grey, sample.tumour[number])
            sheet.paste(panel, (x, _HEAD + row * (_PANEL + _GAP)))
    for row, number in enumerate(reversed(range(count))):
        y = _HEAD + row * (_PANEL + _GAP) + _PANEL // 2
        draw.text((_GAP + 2, y - 18), "slice", fill=_FAINT, font=small)
        draw.text((_GAP + 2, y - 4), f"{sample.axial[number]}", fill=_INK, font=bold)
    foot = sheet.height - _FOOT + 10
    draw_scale(draw, (_LEFT, foot + 4), sample.pixel_mm * sample.images.shape[-1] / _PANEL, font)
    note = "tumour outlined; front of the head above, the patient's left on the left (neurological)"
    if len(maps) > 2:
        draw.text((_LEFT + _PANEL + _GAP, foot), note, fill=_FAINT, font=small)
    save_png(sheet, out)


def _window(name: str, values: np.ndarray) -> tuple[float, float, str]:
    """Values shown black and white, and both in words."""
    if name == "FA":
        return 0.0, 1.0, "0 to 1"
    if name in DIFFUSIVITIES:
        # The font has no raised figures.
        return 0.0, 2.0, "0 to 2e-3 mm2/s"
    low, high = np.percentile(values, [1, 99]).tolist()
    return low, max(high, low + 1e-6), f"{low:.3g} to {high:.3g}"


def _draw_panel(grey: np.ndarray, tumour: np.ndarray) -> Image.Image:
    """One crop in grey, 0 to 1, with the tumour's outline."""
    fine = _PANEL * _FINER
    picture = Image.fromarray((grey * 255).astype(np.uint8))
    large = picture.resize((fine, fine), Image.Resampling.BILINEAR).convert("RGB")
    draw = ImageDraw.Draw(large)
    scale = fine / len(tumour)
    # With a border, so that an outline closes that leaves the crop.
    for contour in find_contours(np.pad(tumour, 1).astype(float), 0.5):
        points = np.clip((contour[:, ::-1] - 0.5) * scale, _FINER, fine - _FINER)
        draw.line([*map(tuple, points.tolist())], _OUTLINE, width=2 * _FINER, joint="curve")
    return large.resize((_PANEL, _PANEL), Image.Resampling.BOX)
