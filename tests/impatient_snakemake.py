"""Run as a program: Snakemake that looks after its jobs every second.

SLURM's plugin asks how they stand ever less often while none ends, up to every three minutes; those
of the tests take seconds.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def _sleep(executor: RemoteExecutor) -> None:
    """Wait until the next look."""
    del executor
    await asyncio.sleep(1)


if __name__ == "__main__":
    RemoteExecutor.sleep = _sleep
    sys.exit(main())
