"""A guard for files from elsewhere: work on them in a process with limits."""

import json
import multiprocessing
import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from histoniche.errors import InputError, Unusable

_GRACE = 30


def run_limited(
    work: Callable[..., None],
    *args: Any,
    memory_gb: float = 8,
    seconds: int = 1800,
    **kwargs: Any,
) -> None:
    """Run `work(*args, **kwargs)` in a child process that a malformed file cannot take further.

    The child has bounded memory, on top of what its parent holds, and CPU
    time, and leaves no core dump; what it finds it writes to files, so that
    nothing it sends has to be trusted.

    Raises
    ------
    Unusable
        If the work raised it, or the reader crashed or went over a limit.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(
        target=_limited,
        args=(sender, memory_gb, seconds, partial(work, *args, **kwargs)),
        daemon=True,
    )
    child.start()
    sender.close()
    # A read that waits for ever uses no CPU time, so that the clock counts too.
    if not receiver.poll(seconds + _GRACE):
        child.kill()
        child.join()
        raise Unusable(f"the reader did not come to an end within {seconds} s")
    try:
        outcome, text = receiver.recv_bytes().decode("utf-8").split(":", 1)
    except EOFError:
        outcome, text = "crash", ""
    child.join(_GRACE)
    if outcome == "unusable":
        raise Unusable(text)
    if outcome == "input":
        raise InputError(**json.loads(text))
    if outcome == "error":
        raise RuntimeError(text)
    if outcome == "crash":
        child.join()
        raise Unusable(f"the reader crashed or went over its limits (exit {child.exitcode})")


def _limited(sender: Any, memory_gb: float, seconds: int, work: Callable[[], None]) -> None:
    """Run in the child: set the limits, work, and send how it went as text."""
    # The parent's address space is inherited and counts: libraries reserve gigabytes of it unused.
    memory = _address_space() + int(memory_gb * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        work()
        message = "done:"
    except Unusable as reason:
        message = f"unusable:{reason}"
    except InputError as error:
        message = f"input:{json.dumps(error.fields, default=str)}"
    except MemoryError:
        message = f"unusable:needs more than {memory_gb:g} GB to be read"
    except Exception as error:  # noqa: BLE001 - the parent raises it
        message = f"error:{type(error).__name__}: {error}"
    sender.send_bytes(message.encode("utf-8"))


def _address_space() -> int:
    """Bytes of address space of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
