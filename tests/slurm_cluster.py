"""A SLURM cluster on this machine: brought up, asked, and disturbed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from study import CHECKOUT, CORES, Study

SCRIPT = CHECKOUT / "tests" / "cluster" / "slurm.sh"
PROFILE = CHECKOUT / "workflow" / "profiles" / "slurm"
IMPATIENT = CHECKOUT / "tests" / "impatient_snakemake.py"
PATIENCE = 600.0
"""Seconds after which a test no longer waits for what has to happen."""
# Each call leaves its arguments in a file of its own.
RECORDING = """#!/bin/sh
printf '%s\\0' "$@" >"{records}/$(date +%s%N)"
exec "{program}" "$@"
"""

Seen = TypeVar("Seen")
Run = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Submission:
    """What one call of sbatch asked for."""

    arguments: tuple[str, ...]

    @property
    def rule(self) -> str:
        return self.asked("--comment").removeprefix("rule_").partition("_wildcards_")[0]

    def asked(self, option: str) -> str:
        """Value of an option, or nothing."""
        for number, argument in enumerate(self.arguments):
            if argument == option:
                return self.arguments[number + 1]
            if argument.startswith(f"{option}="):
                return argument.removeprefix(f"{option}=")
        return ""


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs; its programs are on the path of its studies alone."""

    folder: Path

    @classmethod
    @contextmanager
    def brought_up(cls, folder: Path, number: int) -> Iterator["Cluster"]:
        """Start a cluster in a folder; those of other numbers can run beside it."""
        cluster = cls(folder)
        cluster._records.mkdir(parents=True)
        recorder = cluster._records.parent / "bin" / "sbatch"
        recorder.parent.mkdir()
        program = folder / "bin" / "sbatch"
        recorder.write_text(RECORDING.format(records=cluster._records, program=program))
        recorder.chmod(0o755)
        watching = [SCRIPT, "watch", folder, str(os.getpid())]
        try:
            subprocess.run([SCRIPT, "start", folder, str(free_port(number))], check=True)
            subprocess.Popen(watching, start_new_session=True)
            yield cluster
        finally:
            subprocess.run([SCRIPT, "stop", folder], check=True)

    def switch_off(self, node: str) -> None:
        """Let a node lose its power, and the cluster notice."""
        jobs = self.ask("squeue", "--noheader", f"--nodelist={node}", "--format=%A").split()
        scripts = {process for job in jobs for process in processes_of(job)}
        stewards = {parent_of(process) for process in scripts} - scripts - {1}
        daemon = int((self.folder / "run" / f"slurmd.{node}.pid").read_text())
        for process in [daemon, *stewards, *scripts]:
            os.kill(process, signal.SIGKILL)
        self.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=no power")

    def switch_on(self, node: str) -> None:
        """Bring a node back; it registers itself, and takes jobs again."""
        programs = self.folder / "bin"
        subprocess.run([programs / "slurmd", "-N", node, "-d", programs / "slurmstepd"], check=True)
        state = ("sinfo", "--noheader", f"--nodes={node}", "--format=%t")
        wait_for(lambda: "down" not in self.ask(*state), f"{node} did not come back")

    @property
    def _records(self) -> Path:
        return self.folder / "recorded" / "sbatch"

    def study(self, study: Study) -> Study:
        """The same study, to run on the cluster with the profile that is shipped."""
        programs = [self.folder / "recorded" / "bin", self.folder / "bin", os.environ["PATH"]]
        return replace(
            study,
            environment={**study.environment, "PATH": os.pathsep.join(map(str, programs))},
            program=(sys.executable, str(IMPATIENT)),
            place=(
                *("--profile", str(PROFILE)),
                # As many as a run on this machine trains with; these jobs are short, and this
                # file system is local.
                *("--set-threads", f"train_head={CORES}"),
                *("--slurm-init-seconds-before-status-checks", "2"),
                # Last comes an option of one value, behind which targets may stand.
                *("--latency-wait", "5"),
            ),
        )

    @contextmanager
    def started(self, study: Study, *arguments: str) -> Iterator[Run]:
        """Start the workflow and go on; what it prints goes to `run.log` in the study's folder."""
        study.write_config()
        with (study.folder / "run.log").open("w") as log:
            process = subprocess.Popen(
                # What a shell starts in the background would not hear Ctrl-C, nor what that starts.
                ["env", "--default-signal=INT", *study.command(*arguments)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **study.environment},
                start_new_session=True,
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self.ask("scancel", "--user", "root")

    def submissions(self) -> list[Submission]:
        """What has been submitted so far, in that order."""
        return [
            Submission(tuple(record.read_text().split("\0")[:-1]))
            for record in sorted(self._records.iterdir())
        ]

    def ask(self, program: str, *arguments: str) -> str:
        """Run one of SLURM's programs and return what it prints."""
        done = subprocess.run(
            [self.folder / "bin" / program, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout

    def running(self, rule: str) -> list[str]:
        """Numbers of the jobs of a rule that run; those of an array have a number each."""
        lines = self.ask("squeue", "--noheader", "--states=running", "--format=%A %k").splitlines()
        return [line.split()[0] for line in lines if f"rule_{rule}" in line]

    def cancel(self, *jobs: str) -> None:
        """Cancel jobs by their numbers, which scancel knows for those of an array otherwise."""
        lines = self.ask("squeue", "--noheader", "--format=%A %i").splitlines()
        names = dict(line.split() for line in lines)
        self.ask("scancel", *(names[job] for job in jobs))

    def job(self, rule: str, run: Run) -> str:
        """Number of the one job of a rule that runs; waits for it while the run goes on."""
        return wait_for(lambda: self.running(rule), f"no job of {rule} ran", run)[0]


def free_port(number: int) -> int:
    """The first of three ports in a row that nobody listens at, from a range of one's own."""
    for port in range(26817 + 300 * number, 26817 + 300 * (number + 1), 3):
        with ExitStack() as stack:
            try:
                for own in range(port, port + 3):
                    stack.enter_context(socket.create_server(("", own)))
            except OSError:
                continue
            return port
    raise RuntimeError("no three ports in a row are free")


def wait_for(look: Callable[[], Seen], failure: str, run: Run | None = None) -> Seen:
    """What a look sees, as soon as it sees something; a run that it depends on must not end."""
    end = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert time.monotonic() < end, failure
        assert run is None or run.poll() is None, f"{failure}: the run ended"
        time.sleep(0.1)
    return seen


def processes_of(job: str) -> list[int]:
    """Processes of a job's script, as SLURM's own variable in their surroundings tells them."""
    processes = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return [one for one in processes if environment_of(one).get("SLURM_JOB_ID") == job]


def environment_of(process: int) -> dict[str, str]:
    """Variables in a process's surroundings; none if it has ended."""
    try:
        text = Path(f"/proc/{process}/environ").read_text(errors="replace")
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)


def parent_of(process: int) -> int:
    """The process that started another."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def signal_job(job: str, number: signal.Signals) -> None:
    """Send a signal to all processes of a job."""
    for process in processes_of(job):
        with suppress(ProcessLookupError):
            os.kill(process, number)
