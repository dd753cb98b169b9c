"""Open slides: a bounded number of them, each read by one at a time and reopened after an error."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from histoniche.errors import UnusableSlide
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.readers.slide import Slide
from histoniche.viewer.sources import SlideFile

T = TypeVar("T")
Opened = Callable[[SlideFile], AbstractContextManager[Slide]]

# What a reader may keep of decoded segments; the tiles are kept as they are sent.
_READER_BYTES = 32 << 20


def open_for_viewing(file: SlideFile) -> AbstractContextManager[Slide]:
    """Open a slide with a reader that keeps little."""
    return open_slide(file.path, mpp=file.mpp, cache_bytes=_READER_BYTES)


class HandlePool:
    """The slides that were read last, open.

    Parameters
    ----------
    most
        Slides that are open at a time. Who wants one more waits until none uses one of them.
    most_bytes
        Most that open slides hold together; one alone may be larger.
    opened
        Opens a slide.
    """

    def __init__(
        self, most: int, most_bytes: int = 2 << 30, opened: Opened = open_for_viewing
    ) -> None:
        self._most, self._most_bytes, self._opened = most, most_bytes, opened
        self._handles: OrderedDict[SlideFile, _Handle] = OrderedDict()
        self._free = threading.Condition()

    def __len__(self) -> int:
        """Count the slides that are open."""
        return sum(handle.slide is not None for handle in self._handles.values())

    def read(self, file: SlideFile, work: Callable[[Slide], T]) -> T:
        """Do some work on an open slide.

        What a decoder stumbled over may have left it in disorder, and the file may have changed
        under it: the slide is then opened anew and the work done once more.

        Raises
        ------
        UnusableSlide
            If that does not help.
        """
        handle = self._taken(file)
        try:
            with handle.lock:
                return self._worked(handle, work)
        finally:
            with self._free:
                handle.users -= 1
                self._shrink()
                self._free.notify_all()

    def close(self) -> None:
        """Close all slides that nobody reads."""
        with self._free:
            for file in [file for file, one in self._handles.items() if one.users == 0]:
                self._handles.pop(file).close()

    def _taken(self, file: SlideFile) -> "_Handle":
        """The slide's handle, marked as in use; waits while too many others are."""
        with self._free:
            while file not in self._handles:
                self._shrink(room=1)
                if len(self._handles) < self._most:
                    self._handles[file] = _Handle(file)
                    break
                self._free.wait()
            handle = self._handles[file]
            self._handles.move_to_end(file)
            handle.users += 1
            return handle

    def _worked(self, handle: "_Handle", work: Callable[[Slide], T]) -> T:
        """Work, and once more on the slide opened anew if it raised."""
        try:
            return work(handle.opened(self._opened))
        except MemoryError:
            handle.close()
            raise
        except Exception:  # noqa: BLE001 - raised again below if it is not the handle's fault
            handle.close()
        try:
            return work(handle.opened(self._opened))
        except Exception as error:
            handle.close()
            if isinstance(error, (UnusableSlide, OSError)):
                raise UnusableSlide(str(error)) from error
            raise

    def _shrink(self, room: int = 0) -> None:
        """Close those that were not read for longest, until number and bytes are in bounds."""
        idle = [file for file, handle in self._handles.items() if handle.users == 0]
        for file in idle:
            held = sum(handle.bytes for handle in self._handles.values())
            if len(self._handles) + room <= self._most and held <= self._most_bytes:
                return
            if len(self._handles) > 1 or room:
                self._handles.pop(file).close()


class _Handle:
    """One slide, open or not, with the lock that its readers take turns with."""

    def __init__(self, file: SlideFile) -> None:
        self.file = file
        self.lock = threading.Lock()
        self.users = 0
        self.slide: Slide | None = None
        self.bytes = 0
        self._stack = ExitStack()
        self._seen: tuple[int, int] | None = None

    def opened(self, opened: Opened) -> Slide:
        """The slide, opened if it is not yet, or if the file is no longer the same."""
        there = self.file.path.stat()
        seen = (there.st_size, there.st_mtime_ns)
        if self.slide is not None and seen != self._seen:
            self.close()
        if self.slide is None:
            self.slide = self._stack.enter_context(opened(self.file))
            self.bytes = _held_by(self.slide)
            self._seen = seen
        return self.slide

    def close(self) -> None:
        """Close the slide."""
        self.slide, self.bytes = None, 0
        self._stack.close()


def _held_by(slide: Slide) -> int:
    """About how many bytes an open slide holds; plain images are held whole."""
    if slide.reader != "pillow":
        return _READER_BYTES
    width, height, _ = slide.levels[0]
    return 3 * width * height
