"""Versions of the software that a run used."""

import importlib.metadata
import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from histoniche import __version__

_PACKAGES = (
    "dipy",
    "gseapy",
    "imagecodecs",
    "jinja2",
    "jsonschema",
    "lifelines",
    "lightning",
    "matplotlib",
    "nibabel",
    "numpy",
    "openslide-bin",
    "openslide-python",
    "pandas",
    "pillow",
    "pyarrow",
    "rocrate",
    "safetensors",
    "scikit-image",
    "scipy",
    "segmentation-models-pytorch",
    "simplejpeg",
    "snakemake",
    "statsmodels",
    "tifffile",
    "torch",
    "torchstain",
    "torchvision",
    "zarr",
)


def software_versions() -> dict[str, str]:
    """HistoNiche, Python and the packages of this environment that the workflow builds on."""
    return {"histoniche": __version__, "python": platform.python_version(), **dict(_packages())}


def _packages() -> Iterator[tuple[str, str]]:
    """Packages that are here, with their versions."""
    for name in _PACKAGES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue


def commit_of(checkout: Path) -> str:
    """Commit that a checkout stands at, `-dirty` if its files differ; `unknown` without git.

    Where git itself is missing, as in a container, the commit is read from its files, which do
    not tell whether others differ.
    """
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40"]
    command += ["--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return _commit_by_files(checkout / ".git")
    found = done.stdout.strip()
    return found if done.returncode == 0 else _commit_by_files(checkout / ".git")


def _commit_by_files(git: Path) -> str:
    """Commit by the files that git keeps."""
    head = _text(git / "HEAD")
    name = head.removeprefix("ref: ")
    packed = re.search(rf"^([0-9a-f]{{40}}) {re.escape(name)}$", _text(git / "packed-refs"), re.M)
    commit = _text(git / name) if name != head else head
    commit = commit or (packed[1] if packed else "")
    return commit if re.fullmatch("[0-9a-f]{40}", commit) else "unknown"


def _text(path: Path) -> str:
    """Content of a small file; empty if it is not there."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
