"""Which reader opens a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from histoniche.cohort.masks import is_zarr
from histoniche.errors import UnusableSlide
from histoniche.slides.readers.jpeg_reader import CACHE_BYTES, JpegSlide
from histoniche.slides.readers.ome_reader import (
    OmeTiffSlide,
    OmeZarrSlide,
    is_ome_tiff,
)
from histoniche.slides.readers.openslide_reader import OpenSlideSlide, is_known
from histoniche.slides.readers.plain_reader import PlainSlide, is_plain
from histoniche.slides.readers.segments import UnusualFileError
from histoniche.slides.readers.slide import Slide, words_of

AnySlide = JpegSlide | OmeTiffSlide | OmeZarrSlide | OpenSlideSlide | PlainSlide


@contextmanager
def open_slide(
    path: Path, *, mpp: float | None, reduced: bool = False, cache_bytes: int = CACHE_BYTES
) -> Iterator[Slide]:
    """Open a slide with the reader that fits the file.

    Parameters
    ----------
    path
        The file, or the folder of an OME-Zarr.
    mpp
        Micrometres per pixel from the sheet; wins over what the file says.
    reduced
        Whether coarser levels may come from the JPEG decoder's own scaling.
    cache_bytes
        Most that a reader keeps of what it decoded.

    Raises
    ------
    UnusableSlide
        If no reader can open it, or its resolution is unknown.
    """
    try:
        slide = _open(path, mpp, reduced, cache_bytes)
    except (UnusableSlide, MemoryError):
        raise
    except Exception as error:
        words = words_of(error, path)
        kind = type(error).__name__
        raise UnusableSlide(f"cannot be opened: {kind} {words}".rstrip()) from error
    try:
        yield slide
    finally:
        slide.close()


def _open(path: Path, mpp: float | None, reduced: bool, cache_bytes: int) -> AnySlide:
    """Choose by what the file is."""
    if is_zarr(path):
        return OmeZarrSlide(path, mpp)
    if is_ome_tiff(path):
        return OmeTiffSlide(path, mpp)
    if is_known(path):
        known = OpenSlideSlide(path, mpp)
        try:
            return JpegSlide(known, path, reduced=reduced, cache_bytes=cache_bytes)
        except UnusualFileError:
            return known
    if is_plain(path):
        return PlainSlide(path, mpp)
    raise UnusableSlide("no reader knows this format; is the file whole?")
