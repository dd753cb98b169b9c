"""Pictures that pages ask for: tiles of slides and of overlays, kept as they are sent."""

from pathlib import Path

from histoniche.viewer.cache import Cache
from histoniche.viewer.index import Index
from histoniche.viewer.overlays import Overlay, overlays_of
from histoniche.viewer.painting import encode_png
from histoniche.viewer.pyramid import Pyramid
from histoniche.viewer.settings import Settings
from histoniche.viewer.tiles import SlideTiles

Place = tuple[int, int, int]
"""Level, column and row of a tile."""


class Pictures:
    """Tiles of slides and overlays.

    Parameters
    ----------
    index
        What may be shown.
    settings
        Bounds.
    tiles
        Reads slides; one of its own by default.
    """

    def __init__(self, index: Index, settings: Settings, tiles: SlideTiles | None = None) -> None:
        self._index, self._settings = index, settings
        self.tiles = tiles or SlideTiles(settings)
        self.kept: Cache[tuple[str, str, Place], bytes] = Cache(settings.cached_bytes, len)
        self._overlays: Cache[str, dict[str, Overlay]] = Cache(settings.kept_overlays)

    def pyramid(self, slide: str) -> Pyramid | None:
        """Size of a slide, cut into tiles; None if it could not be read in the run."""
        facts = self._index.facts(slide)
        if not facts.get("readable") or self._index.thumbnail(slide) is None:
            return None
        return Pyramid(int(facts["width_px"]), int(facts["height_px"]), self._settings.tile_px)

    def overlays(self, slide: str) -> dict[str, Overlay]:
        """Overlays of a slide by name."""
        return self._overlays.get_or_make(slide, lambda: overlays_of(self._index, slide))

    def slide_tile(self, slide: str, place: Place) -> bytes | None:
        """One tile of a slide as JPEG; None where there is none.

        Raises
        ------
        UnusableSlide
            If the slide cannot be read there.
        """
        pyramid, thumbnail = self.pyramid(slide), self._index.thumbnail(slide)
        rectangle = pyramid and pyramid.rectangle(*place)
        if pyramid is None or rectangle is None or thumbnail is None:
            return None
        size, file = (pyramid.width, pyramid.height), self._index.file(slide)
        return self.kept.get_or_make(
            (slide, "", place), lambda: self.tiles.read(file, Path(thumbnail), rectangle, size)
        )

    def overlay_tile(self, slide: str, name: str, place: Place) -> bytes | None:
        """One tile of an overlay as PNG; None where there is none."""
        pyramid = self.pyramid(slide)
        rectangle = pyramid and pyramid.rectangle(*place)
        overlay = self.overlays(slide).get(name) if rectangle else None
        if rectangle is None or overlay is None:
            return None
        return self.kept.get_or_make(
            (slide, name, place), lambda: encode_png(overlay.paint(rectangle))
        )
