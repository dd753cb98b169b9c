"""The cluster's partitions and nodes, as `sinfo` lists them."""

import math
import re
import shutil
import subprocess
from typing import NamedTuple

from histoniche.errors import InputError

_FORMAT = "%P|%c|%m|%G|%l|%t"
_SECONDS = 60
_REMEDY = "ask whether SLURM's controller is up"
_AWAY = ("down", "drain", "drng", "fail", "unk", "boot", "maint")


class Node(NamedTuple):
    """What a node of a partition gives to one job at most."""

    cpus: int
    mem_mb: int
    gpus: int
    minutes: float


def read_nodes() -> tuple[dict[str, list[Node]], str]:
    """Nodes that are up, by partition, and the partition of jobs that name none.

    Raises
    ------
    InputError
        If SLURM is not here or does not answer.
    """
    program = shutil.which("sinfo")
    if program is None:
        raise InputError("no sinfo here", remedy="run the doctor where jobs are submitted")
    try:
        done = subprocess.run(
            [program, "--Node", "--noheader", "-o", _FORMAT],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError("SLURM does not answer", remedy=_REMEDY) from None
    if done.returncode:
        words = " ".join(done.stderr.split())[:200]
        raise InputError(f"sinfo failed: {words}", remedy=_REMEDY)
    nodes: dict[str, list[Node]] = {}
    default = ""
    for line in done.stdout.splitlines():
        name, cpus, memory, gres, limit, state = line.split("|")
        if name.endswith("*"):
            name = default = name.rstrip("*")
        up = nodes.setdefault(name, [])
        if not state.startswith(_AWAY):
            up.append(Node(_first(cpus), _first(memory), count_gpus(gres), minutes_of(limit)))
    return nodes, default


def count_gpus(gres: str) -> int:
    """GPUs in what SLURM says of a node's generic resources.

    >>> count_gpus("gpu:a100:4(S:0-1),gpu:h100:2,nvme:1")
    6
    """
    bare = re.sub(r"\([^)]*\)", "", gres)
    return sum(int(n) for n in re.findall(r"(?:^|,)gpu(?::[^:,]+)?:(\d+)", bare))


def minutes_of(limit: str) -> float:
    """A time limit of SLURM, such as 7-00:00:00, in minutes.

    >>> minutes_of("1-12:00:00"), minutes_of("30:00"), minutes_of("infinite")
    (2160.0, 30.0, inf)
    """
    found = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if found is None:
        return math.inf
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (days * 24 + hours) * 60 + minutes + seconds / 60


def _first(number: str) -> int:
    """A number that may be followed by a plus sign."""
    return int(number.rstrip("+"))
