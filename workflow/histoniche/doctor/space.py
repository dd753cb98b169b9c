"""Space: whether the disk of the results holds what the slides will become."""

import shutil
from collections.abc import Mapping, Sequence
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


def check_space(
    results: Path,
    *,
    sizes: Sequence[float],
    slides: int,
    free: int | None = None,
) -> Finding:
    """Compare free space with what the slides that are left will take.

    Parameters
    ----------
    results
        Folder of the results, which need not exist.
    sizes
        Bytes that some of the slides will take.
    slides
        Number of slides that are not done yet.
    free
        Free bytes; those of the disk of `results` if not given.
    """
    if free is None:
        there = next(folder for folder in [results, *results.absolute().parents] if folder.exists())
        free = shutil.disk_usage(there).free
    if not sizes:
        return Finding("warn", f"{free / 1e9:.0f} GB free; no slide opened to reckon with")
    needed = slides * sum(sizes) / len(sizes)
    what = f"{needed / 1e9:.1f} GB at most for {slides} slides, {free / 1e9:.1f} GB free"
    if needed > free:
        return Finding("wrong", what, "name a larger disk in `results`, or coarser tilings")
    if needed > _NEARLY * free:
        return Finding("warn", what, "keep others from filling the disk")
    return Finding("ok", what)
