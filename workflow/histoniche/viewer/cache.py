"""Bounded memory: what was made last is kept, and made once however many ask for it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """The values used last, up to a total size.

    Parameters
    ----------
    most
        Size of all that is kept, in the unit of `size_of`.
    size_of
        Size of a value; 1 each by default.
    """

    def __init__(self, most: int, size_of: Callable[[Value], int] = lambda _: 1) -> None:
        self._most, self._size_of = most, size_of
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._making: dict[Key, Future[Value]] = {}
        self._lock = threading.Lock()
        self.size = 0

    def __len__(self) -> int:
        """Count what is kept."""
        return len(self._kept)

    def get(self, key: Key) -> Value | None:
        """A value that is kept, or None; never waits for one that is being made."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def get_or_make(self, key: Key, make: Callable[[], Value]) -> Value:
        """A value; the first thread that asks makes it, others wait for it.

        Whatever `make` raises, all of them get; nothing of it is kept.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            future = self._making.get(key)
            first = future is None
            if future is None:
                future = self._making[key] = Future()
        if first:
            self._fill(key, future, make)
        return future.result()

    def _fill(self, key: Key, future: "Future[Value]", make: Callable[[], Value]) -> None:
        """Make a value, and forget what was not used for longest."""
        try:
            value = make()
        except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
            with self._lock:
                del self._making[key]
            future.set_exception(error)
            return
        with self._lock:
            del self._making[key]
            self._kept[key] = value
            self.size += self._size_of(value)
            while self.size > self._most and self._kept:
                _, gone = self._kept.popitem(last=False)
                self.size -= self._size_of(gone)
        future.set_result(value)
