"""GPUs: which there are, and whether their driver is new enough for PyTorch."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from histoniche.doctor.findings import Finding

# First driver of each major version of CUDA, whose later minor versions it runs too; NVIDIA's
# release notes of CUDA, table "CUDA Toolkit and Minimum Required Driver Version".
_OLDEST_DRIVER = {11: 450, 12: 525, 13: 580}
_QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
_SECONDS = 60


def check_graphics(*, needed: bool, on_cluster: bool, cuda: str | None) -> list[Finding]:
    """Look for GPUs and compare their driver with PyTorch's CUDA.

    Parameters
    ----------
    needed
        Whether the study trains or applies networks.
    on_cluster
        Whether jobs run on other machines than this one.
    cuda
        Version of CUDA that PyTorch was built with; None for none.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        if not needed:
            return [Finding("ok", "no GPU here, and the study needs none")]
        if on_cluster:
            return [Finding("ok", "no GPU here; the jobs take those of the cluster")]
        return [Finding("warn", "no GPU: networks run on the CPU", "expect them to be slow")]
    try:
        done = subprocess.run(
            [program, *_QUERY], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return [Finding("warn", "nvidia-smi does not answer", "see whether a GPU has failed")]
    cards = [line.split(", ") for line in done.stdout.splitlines() if line.count(", ") == 2]
    if done.returncode or not cards:
        words = " ".join((done.stderr or done.stdout).split())[:120]
        return [Finding("warn", f"nvidia-smi finds no GPU: {words}", "mend the driver")]
    return [_judge(*card, cuda=cuda) for card in cards]


def _judge(name: str, memory_mb: str, driver: str, *, cuda: str | None) -> Finding:
    """Whether PyTorch can use one card."""
    what = f"GPU {name}, {float(memory_mb) / 1024:.0f} GB, driver {driver}"
    if cuda is None:
        return Finding(
            "warn", f"{what}: PyTorch is built without CUDA", "install envs/imaging.lock"
        )
    oldest = _OLDEST_DRIVER.get(int(cuda.partition(".")[0]))
    if oldest is not None and int(driver.partition(".")[0]) < oldest:
        return Finding(
            "wrong", f"{what}: too old for CUDA {cuda}", f"install driver {oldest} or newer"
        )
    return Finding("ok", f"{what}, PyTorch with CUDA {cuda}")


def cuda_of_torch() -> str | None:
    """Version of CUDA that the installed PyTorch was built with, without importing it."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None
    version = Path(found.origin).with_name("version.py")
    text = version.read_text(encoding="utf-8") if version.is_file() else ""
    stated = re.search(r"^cuda\b.*?= *['\"]([\d.]+)['\"]", text, re.MULTILINE)
    return stated and stated[1]
