"""Containers: whether the program is here that the profile wants, and its images."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from histoniche.doctor.findings import Finding

_PROGRAMS = ("apptainer", "singularity")
# The ways to say so that Snakemake knows.
_KEYS = ("software-deployment-method", "sdm", "deployment-method", "deployment")


def wants_containers(profile: Mapping[str, Any]) -> bool:
    """Whether a profile runs jobs in containers."""
    methods: list[str] = []
    for key in _KEYS:
        value = profile.get(key, [])
        methods += value.split() if isinstance(value, str) else list(value)
    return "apptainer" in methods or bool(profile.get("use-apptainer"))


def check_containers(profile: Mapping[str, Any], images: Iterable[str]) -> list[Finding]:
    """Look for the program that runs containers, and for the images that are files.

    Parameters
    ----------
    profile
        Settings of the profile.
    images
        Images of the rules: files, or addresses such as `docker://NAME`.
    """
    if not wants_containers(profile):
        return [Finding("ok", "no containers wanted: jobs use this environment")]
    program = next((name for name in _PROGRAMS if shutil.which(name)), None)
    if program is None:
        return [Finding("wrong", "no apptainer here", "install it, or leave --sdm apptainer away")]
    return [Finding("ok", f"{program} is here"), *map(_check_image, sorted(set(images)))]


def _check_image(image: str) -> Finding:
    """Whether one image is here."""
    if "://" in image:
        return Finding("warn", f"image {image} is fetched by the first job", "needs the internet")
    if Path(image).is_file():
        return Finding("ok", f"image {image}, {Path(image).stat().st_size / 1e9:.1f} GB")
    return Finding("wrong", f"no image {image}", "run `make image`, or mend the path")
