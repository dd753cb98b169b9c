"""How fast a source is asked: pauses between attempts, and a limit of bandwidth."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def pause_before(attempt: int, *, first: float, longest: float, draw: random.Random) -> float:
    """Seconds to wait before an attempt: doubled each time, and drawn from the upper half.

    Parameters
    ----------
    attempt
        1 for the first repetition.
    first
        Longest pause before the first repetition, in seconds.
    longest
        No pause is longer than this.
    draw
        Generator of the jitter, so that many that failed at once do not come back at once.
    """
    whole = min(longest, first * 2 ** (attempt - 1))
    return draw.uniform(whole / 2, whole)


def asked_pause(retry_after: str | None, now: datetime) -> float | None:
    """Seconds that a server asks to wait for, from its header Retry-After; None if it says none.

    Parameters
    ----------
    retry_after
        Whole seconds or an HTTP date (RFC 9110, 10.2.3).
    now
        The present time, with its zone.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())


class Bandwidth:
    """A limit of bytes a second that all transfers of a process share.

    Parameters
    ----------
    bytes_per_s
        None for no limit.
    clock, sleep
        For tests.
    """

    def __init__(
        self,
        bytes_per_s: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = bytes_per_s, clock, sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    @property
    def block(self) -> int:
        """Bytes to ask for at once, so that a slow limit still moves several times a second."""
        return 1 << 18 if self._rate is None else max(1 << 10, min(1 << 18, int(self._rate / 8)))

    def spend(self, size: int) -> None:
        """Wait until `size` bytes more have come within the limit."""
        if self._rate is None:
            return
        with self._lock:
            self._free_at = max(self._clock(), self._free_at) + size / self._rate
            wait = self._free_at - self._clock()
        if wait > 0:
            self._sleep(wait)


@dataclass(frozen=True)
class Limits:
    """How much is fetched at once."""

    parallel: int = 4
    bandwidth: Bandwidth = field(default_factory=lambda: Bandwidth(None))
