"""What every job does around its work: a log, and one line instead of a traceback."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from histoniche.errors import InputError


@contextmanager
def job(log: str) -> Iterator[None]:
    """Send log lines to the file `log`; turn a user's mistake into one line and exit status 1.

    On a terminal the package's own lines are shown as well, as progress. Any other failure
    leaves its traceback in the log and one line on the terminal that says where to look.
    """
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [handler]
    if sys.stderr.isatty():
        progress = logging.StreamHandler()
        # Libraries log under names of their own.
        progress.addFilter(lambda record: record.name == "root" and record.levelno == logging.INFO)
        handlers.append(progress)
    for each in handlers:
        root.addHandler(each)
    try:
        yield
    except InputError as error:
        logging.error("%s", error)
        sys.exit(f"error: {error}")
    except Exception as error:
        logging.error("%s", traceback.format_exc())
        reason = str(error).partition("\n")[0]
        sys.exit(f"error: {type(error).__name__}: {reason}; the traceback is in {log}")
    finally:
        for each in handlers:
            root.removeHandler(each)
        handler.close()
