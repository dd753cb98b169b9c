"""Run as a program: Snakemake that looks after its jobs every second.

SLURM's plugin asks how they stand ever less often while none ends, up to every three minutes; those
of the tests take seconds. Jobs that fail within half a second are seen to fail together, as in a
run of many, whose scheduler is busy.
"""

import asyncio
import sys
from threading import Timer
from typing import Any

from snakemake.cli import main
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def _sleep(executor: RemoteExecutor) -> None:
    """Wait until the next look."""
    del executor
    await asyncio.sleep(1)


def _note_failure(scheduler: JobScheduler, job: Any) -> None:
    """Let the scheduler look at a failed job, and at those that follow at once."""
    with scheduler._lock:
        scheduler._toerror.append(job)
    Timer(0.5, scheduler._open_jobs.release).start()


if __name__ == "__main__":
    RemoteExecutor.sleep = _sleep
    JobScheduler.error_callback = _note_failure
    sys.exit(main())
