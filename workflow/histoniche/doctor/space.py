"""Space: whether the disk of the results holds what slides and scans will become."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from histoniche.doctor.findings import Finding
from histoniche.doctor.slides import Probe

# Bytes a pixel of a tile, of the three that it has. CMU-1-Small-Region.svs, cut at 0.5 to 2 µm
# per pixel, came to 0.44 to 0.56 of them.
_OF_RAW = {"zstd": 0.56, "none": 1.0}
# Copies of a slide's JPEG tiles, of the slide's file; docs/slides.md.
_OF_FILE = 1.0044
# Labels and confidence of each segmented pixel; the map of the whole slide with its pyramid.
_SEGMENTED, _MAPPED = 2.0, 4 / 3
# Thumbnail, masks and pictures of a slide, measured on the same one.
_PICTURES = 2_000_000
# Bytes a pixel of a scan's sample, in each map and of the tumour; of a slice in its picture, as
# measured.
_FLOAT, _TUMOUR, _SCAN_PICTURE = 4, 1, 60_000
_NEARLY = 0.8


def bytes_of_slide(probe: Probe, file_bytes: int, config: Mapping[str, Any]) -> float:
    """What a slide becomes at most, as if all of it were tissue.

    Parameters
    ----------
    probe
        Its size and resolution.
    file_bytes
        Size of its file.
    config
        The study's configuration.
    """
    total = float(_PICTURES)
    for name, tiling in config.get("tilings", {}).items():
        if "fit_px" in tiling:
            scale = tiling["fit_px"] / max(probe.width, probe.height)
        else:
            scale = probe.mpp / tiling["mpp"]
        pixels = probe.width * probe.height * scale**2
        if tiling["codec"] == "source-jpeg":
            total += _OF_FILE * file_bytes
        else:
            total += 3 * pixels * _OF_RAW[tiling["codec"]]
        if config.get("segmentation", {}).get("tiling") == name:
            total += pixels * (_SEGMENTED + _MAPPED)
    return total


def bytes_of_scan(config: Mapping[str, Any]) -> float:
    """What a scan becomes: its sample, its picture, and where networks saw what they judge it by.

    Parameters
    ----------
    config
        The study's configuration, with the block imaging.
    """
    slices, side = config["imaging"]["sample"]["slices"], config["imaging"]["sample"]["side"]
    maps = len(config["imaging"]["maps"])
    return float(slices * (side**2 * (_FLOAT * maps + _TUMOUR + _FLOAT) + _SCAN_PICTURE))


def check_space(
    place: Path, needed: Mapping[str, float], *, remedy: str, free: int | None = None
) -> Finding:
    """Compare free space with what is still to be written.

    Parameters
    ----------
    place
        Folder that it goes to, which need not exist.
    needed
        Bytes by what takes them, in words.
    remedy
        What to do where it does not fit.
    free
        Free bytes; those of the disk of `place` if not given.
    """
    if free is None:
        free = shutil.disk_usage(existing(place)).free
    total = sum(needed.values())
    what = f"{total / 1e9:.1f} GB at most for {' and '.join(needed)}, {free / 1e9:.1f} GB free"
    if total > free:
        return Finding("wrong", what, remedy)
    if total > _NEARLY * free:
        return Finding("warn", what, "keep others from filling the disk")
    return Finding("ok", what)


def existing(place: Path) -> Path:
    """A folder, or the nearest one above it that exists."""
    return next(folder for folder in [place, *place.absolute().parents] if folder.exists())
