"""Pictures: PNG files, with bars of scale, or with words in their place."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from histoniche.files import whole_file

_PLACEHOLDER = (360, 270)
_GREY, _ALARM, _INK = "#F2F2F2", "#7A1F1F", "#222222"


def write_picture(pixels: np.ndarray, out: Path) -> None:
    """Write pixels, uint8, as PNG: (height, width, 3) in colour, (height, width) in grey."""
    save_png(Image.fromarray(pixels), out)


def draw_reason(words: str, out: Path) -> None:
    """Write a picture that says why there is none."""
    image = Image.new("RGB", _PLACEHOLDER, _GREY)
    text = "\n".join(wrapped(words, 44))
    ImageDraw.Draw(image).multiline_text((16, 16), text, fill=_ALARM, font_size=14)
    save_png(image, out)


def draw_scale(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], mm_per_pixel: float, font: Any
) -> None:
    """Draw a bar of 1, 2 or 5 times a power of ten millimetres, about 100 pixels long."""
    target = 100 * mm_per_pixel
    power = 10 ** np.floor(np.log10(target))
    length = max(power * step for step in (1, 2, 5) if power * step <= target * 1.01)
    x, y = at
    pixels = round(length / mm_per_pixel)
    draw.rectangle((x, y, x + pixels, y + 4), fill=_INK)
    place = (x + pixels + 8, y - 7)
    if length >= 1:
        draw.text(place, f"{length:g} mm", fill=_INK, font=font)
        return
    number = f"{1000 * length:g} "
    draw.text(place, f"{number}um", fill=_INK, font=font)
    # The font has no µ: a u with a stem.
    left = round(place[0] + draw.textlength(number, font=font) + 0.07 * font.size)
    base = draw.textbbox(place, "u", font=font)[3]
    width = round(0.07 * font.size) - 1
    draw.rectangle((left, base - 0.3 * font.size, left + width, base + 0.2 * font.size), fill=_INK)


def wrapped(words: str, length: int) -> list[str]:
    """Words in lines of about `length` letters."""
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) > length:
            lines.append("")
        lines[-1] += f"{word} "
    return lines


def save_png(image: Image.Image, out: Path) -> None:
    """Write a PNG, whole or not at all."""
    with whole_file(out) as temporary:
        image.save(temporary, format="PNG")
