"""Results of uploads: each has an index and pictures of its own, of which few are kept open."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from histoniche.viewer.index import Index
from histoniche.viewer.pictures import Pictures
from histoniche.viewer.settings import Settings
from histoniche.viewer.sources import SlideFile, Sources
from histoniche.viewer.uploads.chunks import slide_file
from histoniche.viewer.uploads.store import Upload
from histoniche.viewer.uploads.study import RESULTS

_OPEN = 4
# Each has one slide.
_SETTINGS = Settings(open_slides=1, open_bytes=1 << 30, cached_bytes=32 << 20, kept_overlays=1)


@dataclass(frozen=True)
class FoundSlide:
    """What there is to show of one upload."""

    index: Index
    pictures: Pictures
    settings: Settings


class Found:
    """What was found of uploads that are done; the last that were looked at are kept open.

    Parameters
    ----------
    folder
        Folder of all uploads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: OrderedDict[str, FoundSlide] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, upload: Upload) -> FoundSlide:
        """What was found of an upload that is done."""
        with self._lock:
            if upload.id not in self._kept:
                self._kept[upload.id] = self._opened(upload)
            self._kept.move_to_end(upload.id)
            while len(self._kept) > _OPEN:
                _, gone = self._kept.popitem(last=False)
                gone.pictures.tiles.pool.close()
            return self._kept[upload.id]

    def forget(self, upload: str) -> None:
        """Close what is open of an upload."""
        with self._lock:
            gone = self._kept.pop(upload, None)
        if gone is not None:
            gone.pictures.tiles.pool.close()

    def close(self) -> None:
        """Close all."""
        for upload in list(self._kept):
            self.forget(upload)

    def _opened(self, upload: Upload) -> FoundSlide:
        """The index of an upload's own study."""
        file = SlideFile(slide_file(self._folder, upload), upload.mpp)
        results = self._folder / upload.id / RESULTS
        index = Index(results, Sources(upload.name, {upload.id: file}))
        return FoundSlide(index, Pictures(index, _SETTINGS), _SETTINGS)
