"""Run as a program: plans the workflow and writes each rule's largest request.

In a process of its own, so that neither finds the other's settings. See `requests`.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake.cli import main
from snakemake.logging import logger

# Resources by the names that a request has for them.
_AMOUNTS = {"mem_mb": "mem_mb", "runtime": "minutes", "gpu": "gpus"}


class _Listener(logging.Filter):
    """Keeps what Snakemake says of each job; a filter, since it removes foreign handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, Any]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the largest request of each rule; errors alone are shown."""
        self._take(record)
        return record.levelno >= logging.ERROR

    def _take(self, record: logging.LogRecord) -> None:
        # Only the lines that announce a job carry resources.
        resources: Mapping[str, Any] | None = getattr(record, "resources", None)
        if resources is None or not hasattr(record, "rule_name"):
            return
        # Batches of slides are rules of one kind.
        rule = re.sub(r"_\d+$", "", record.rule_name)
        nothing = {"jobs": 0, "cpus": 0, **dict.fromkeys(_AMOUNTS.values(), 0)}
        own = self.found.setdefault(rule, {"rule": rule, **nothing})
        own["jobs"] += 1
        own["cpus"] = max(own["cpus"], int(getattr(record, "threads", 1)))
        for name, amount in _AMOUNTS.items():
            own[amount] = max(own[amount], _number(resources.get(name)))
        own["partition"] = str(resources.get("slurm_partition", ""))


def _number(value: Any) -> int:
    """A resource as a number; what is not known yet counts as none."""
    return int(value) if isinstance(value, int | float) else 0


def _main(out: Path, arguments: Sequence[str]) -> None:
    """Plan the workflow as Snakemake's arguments say, and write what its rules ask for."""
    listener = _Listener()
    logger.addFilter(listener)
    try:
        main(list(arguments))
    except SystemExit as end:
        if end.code:
            raise
    out.write_text(json.dumps(list(listener.found.values())), encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2:])
