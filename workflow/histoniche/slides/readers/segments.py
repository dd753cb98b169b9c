"""Segments: the compressed tiles of a JPEG pyramid in TIFF, as they lie in the file."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import simplejpeg
import tifffile

from histoniche.slides.readers.slide import Level, words_of

_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"
_BASELINE = (0xC0, 0xC1)
_PLAIN_SUBSAMPLING = {(1, 1), (2, 1), (2, 2)}
REDUCTIONS = (2, 4, 8)


class UnusualFileError(ValueError):
    """A file whose segments are better read by the library that knows its format."""


@dataclass(frozen=True)
class JpegCoding:
    """What a segment's decoder has to know besides the segment.

    Parameters
    ----------
    tables
        Quantisation and Huffman tables that all segments share, a JPEG stream
        of its own; empty where each segment has its own.
    colourspace
        RGB or YCBCR, as the pixels are coded.
    width, height
        Size of every segment in pixels.
    """

    tables: bytes
    colourspace: str
    width: int
    height: int

    def decode(self, segment: bytes, out: np.ndarray | None = None) -> np.ndarray:
        """Decode a segment with the exact transform: uint8, (height, width, 3).

        Parameters
        ----------
        out
            Array to decode into and give back; a new one if None.

        Raises
        ------
        ValueError
            If the segment is damaged.
        """
        self._check(segment)
        try:
            pixels = imagecodecs.jpeg8_decode(
                segment,
                tables=self.tables or None,
                colorspace=self.colourspace,
                outcolorspace="RGB",
                out=out,
            )
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"damaged JPEG segment: {words_of(error)}") from error
        if pixels.shape != (self.height, self.width, 3):
            raise ValueError(f"damaged JPEG segment: {pixels.shape} pixels")
        return pixels

    def decode_reduced(self, segment: bytes, factor: int) -> np.ndarray:
        """Decode a segment at a half, quarter or eighth of its size, in the transform itself.

        Parameters
        ----------
        factor
            One of `REDUCTIONS`.

        Returns
        -------
        uint8, (height / factor, width / factor, 3).
        """
        self._check(segment)
        size = (self.height // factor, self.width // factor)
        try:
            pixels = simplejpeg.decode_jpeg(
                self.standalone(segment),
                colorspace="RGB",
                fastdct=False,
                fastupsample=False,
                min_height=size[0],
                min_width=size[1],
                min_factor=1,
            )
        except ValueError as error:
            raise ValueError(f"damaged JPEG segment: {words_of(error)}") from error
        if pixels.shape != (*size, 3):
            raise ValueError(f"JPEG segment of {pixels.shape} pixels where {size} were wanted")
        return pixels

    def _check(self, segment: bytes) -> None:
        """Refuse a segment of another size before memory is asked for it."""
        frame = _frame(segment)
        if frame is None or frame[1:5] != struct.pack(">HH", self.height, self.width):
            raise ValueError("damaged JPEG segment: not of the size of its level's tiles")

    def standalone(self, segment: bytes) -> bytes:
        """A segment as a JPEG file of its own, its tables and colour space inside."""
        shared = self.tables[len(_SOI) : -len(_EOI)] if self.tables else b""
        # Adobe's marker: 0 says that three components are RGB, 1 that they are YCbCr.
        transform = b"\x00" if self.colourspace == "RGB" else b"\x01"
        marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + transform
        return _SOI + marker + shared + segment[len(_SOI) :]


@dataclass(frozen=True)
class SegmentLevel:
    """One level: where its segments lie, row by row, and how they are coded."""

    coding: JpegCoding
    columns: int
    rows: int
    offsets: np.ndarray
    lengths: np.ndarray


def find_segments(path: Path, levels: Sequence[Level]) -> list[SegmentLevel]:
    """Find the segments of every level of a pyramid.

    Parameters
    ----------
    path
        A TIFF or SVS.
    levels
        The levels as OpenSlide sees them.

    Raises
    ------
    UnusualFileError
        If any level is not a whole set of plain JPEG tiles.
    """
    try:
        with tifffile.TiffFile(path) as file:
            tiled = [page for page in file.pages if page.is_tiled]
            return [_find_level(file, _page_of(tiled, level)) for level in levels]
    except UnusualFileError:
        raise
    except Exception as error:
        raise UnusualFileError(words_of(error)) from error


def _page_of(pages: Sequence[tifffile.TiffPage], level: Level) -> tifffile.TiffPage:
    """The one page that holds a level."""
    fitting = [p for p in pages if (p.imagewidth, p.imagelength) == (level.width, level.height)]
    if len(fitting) != 1:
        raise UnusualFileError(f"{len(fitting)} pages of {level.width} x {level.height}")
    return fitting[0]


def _find_level(file: tifffile.TiffFile, page: tifffile.TiffPage) -> SegmentLevel:
    """The segments of one page, checked."""
    colourspaces = {tifffile.PHOTOMETRIC.RGB: "RGB", tifffile.PHOTOMETRIC.YCBCR: "YCBCR"}
    colourspace = colourspaces.get(page.photometric)
    plain = (
        page.compression == tifffile.COMPRESSION.JPEG
        and page.samplesperpixel == 3
        and page.bitspersample == 8
        and page.planarconfig == tifffile.PLANARCONFIG.CONTIG
        and page.imagedepth == 1
    )
    if colourspace is None or not plain:
        raise UnusualFileError("not 8-bit RGB in JPEG")
    columns = -(-page.imagewidth // page.tilewidth)
    rows = -(-page.imagelength // page.tilelength)
    offsets, lengths = (np.array(v, np.int64) for v in (page.dataoffsets, page.databytecounts))
    if len(offsets) != columns * rows or len(lengths) != len(offsets):
        raise UnusualFileError(f"{len(offsets)} segments for {columns} x {rows} tiles")
    if (lengths <= len(_SOI)).any() or (offsets + lengths > file.filehandle.size).any():
        raise UnusualFileError("missing segments")
    coding = JpegCoding(page.jpegtables or b"", colourspace, page.tilewidth, page.tilelength)
    file.filehandle.seek(int(offsets[0]))
    _check_frame(file.filehandle.read(int(lengths[0])), coding)
    return SegmentLevel(coding, columns, rows, offsets, lengths)


def _check_frame(segment: bytes, coding: JpegCoding) -> None:
    """Check that a segment is baseline JPEG of three components, subsampled in a usual way."""
    frame = _frame(segment)
    if frame is not None and len(frame) == 15 and frame[0] == 8 and frame[5] == 3:
        height, width = struct.unpack(">HH", frame[1:5])
        factors = [(frame[7 + 3 * k] >> 4, frame[7 + 3 * k] & 15) for k in range(3)]
        usual = factors[0] in _PLAIN_SUBSAMPLING and factors[1:] == [(1, 1), (1, 1)]
        if usual and (width, height) == (coding.width, coding.height):
            return
    raise UnusualFileError("JPEG of an unusual kind")


def _frame(segment: bytes) -> bytes | None:
    """Frame header of a baseline JPEG, from its precision on; None if there is none."""
    place = len(_SOI)
    while place + 4 <= len(segment) and segment[place] == 0xFF:
        marker, length = segment[place + 1], int.from_bytes(segment[place + 2 : place + 4])
        if marker in _BASELINE:
            return segment[place + 4 : place + 2 + length]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return None
        place += 2 + length
    return None
