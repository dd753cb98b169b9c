"""Plain PNG, JPEG and TIFF images, whose resolution the sheet states."""

from pathlib import Path

import numpy as np
from PIL import Image

from histoniche.errors import UnusableSlide
from histoniche.slides.readers.slide import Level
from histoniche.slides.resolution import find_resolution

# Others of the library's formats start programs or are not meant for pictures.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM")
# Plain images are decoded whole: 400 megapixels are 1.2 GB.
_LARGEST = 400_000_000
_TOO_LARGE = "too large for a plain image; convert it to a tiled TIFF"


class PlainSlide:
    """A plain image with one level."""

    def __init__(self, path: Path, sheet_mpp: float | None) -> None:
        Image.MAX_IMAGE_PIXELS = _LARGEST
        try:
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > _LARGEST:
                    raise UnusableSlide(_TOO_LARGE)
                self.vendor = image.format or ""
                self._pixels = np.asarray(_on_white(image))
        except Image.DecompressionBombError as error:
            raise UnusableSlide(_TOO_LARGE) from error
        except (OSError, ValueError, SyntaxError) as error:
            # The library's words would carry the path into the report.
            raise UnusableSlide("cannot be opened: not a whole image of its format") from error
        self.reader = "pillow"
        self.resolution = find_resolution({}, sheet_mpp)
        self.properties: dict[str, str] = {}
        height, width, _ = self._pixels.shape
        self.levels = (Level(width, height, 1.0),)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        """Read a rectangle of level 0; see `Slide`."""
        if level != 0:
            raise ValueError(f"a plain image has level 0 only, not {level}")
        return cut(self._pixels, x, y, width, height)

    def close(self) -> None:
        """Let go of the pixels."""
        del self._pixels


def is_plain(path: Path) -> bool:
    """Whether a file starts as a plain image does."""
    with path.open("rb") as stream:
        return stream.read(8).startswith(_STARTS)


def _on_white(image: Image.Image) -> Image.Image:
    """An image as RGB, white where it is transparent."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    return ground.convert("RGB")


def cut(pixels: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    """A rectangle of an image (h, w, 3) that may reach beyond it, where it is white."""
    out = np.full((height, width, 3), 255, np.uint8)
    left, top = max(x, 0), max(y, 0)
    part = pixels[top : max(y + height, 0), left : max(x + width, 0)]
    out[top - y : top - y + part.shape[0], left - x : left - x + part.shape[1]] = part
    return out
