"""Tiling: a slide's tissue cut into tiles of one physical size."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from PIL import Image

from histoniche import __version__
from histoniche.errors import Unusable
from histoniche.files import read_json, whole_folder
from histoniche.guard import run_limited
from histoniche.slides.annotations.annotation import Annotation, Frame
from histoniche.slides.annotations.choice import check_annotation, open_annotation
from histoniche.slides.cutting import Cutter, Plan, describe_fit, fit_to_tiles, make_plan
from histoniche.slides.grids import Grid, lay_grid, tile_mpp
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.readers.slide import Slide
from histoniche.slides.store import TileWriter

if TYPE_CHECKING:
    from histoniche.slides.stain import StainTransform

# Limits of the guarded child: address space beside the file itself, and CPU time of all threads.
_MEMORY_GB, _LONGEST_S = 16, 7 * 24 * 3600


def tile_slide(
    path: Path,
    inspection: Path,
    tissue: Path,
    artefacts: Path,
    out: Path,
    *,
    slide: str,
    annotation: Path | None,
    palette: Sequence[Mapping[str, Any]],
    tiling: Mapping[str, Any],
    verdict: Mapping[str, str],
    threads: int,
) -> None:
    """Cut one slide into tiles and write them as a store.

    Parameters
    ----------
    path
        The slide.
    inspection, tissue, artefacts
        What `inspect_slide` wrote.
    out
        Folder of the store.
    slide
        Its id.
    annotation
        A person's annotation, which becomes label tiles, or None.
    palette
        Mappings with `label`, `region`, `name` and `colour`.
    tiling
        One block of the config's `tilings`.
    verdict
        `status` and `reason` as the slide was judged; one that is not ok, or of
        which no tile is left, gives an empty store with the reason.
    threads
        Tiles that are read and encoded at the same time.
    """
    status, reason = verdict["status"], verdict["reason"]
    if status == "ok":
        facts = read_json(inspection)
        try:
            # The file is mapped into memory, which counts as address space.
            run_limited(
                _tile,
                path,
                out,
                slide=slide,
                frame=Frame(int(facts["width_px"]), int(facts["height_px"]), float(facts["mpp"])),
                masks=(_read_mask(tissue) > 0, _read_mask(artefacts)),
                annotation=annotation,
                palette=palette,
                tiling=tiling,
                threads=threads,
                memory_gb=_MEMORY_GB + path.stat().st_size / 2**30,
                seconds=_LONGEST_S,
            )
            return
        except Unusable as problem:
            status, reason = "skipped", str(problem)
    with whole_folder(out) as folder:
        attributes = {"slide": slide, "status": status, "reason": reason, "tiles": 0}
        TileWriter(folder, 0, {}).close({}, attributes)


def _tile(
    path: Path,
    out: Path,
    *,
    slide: str,
    frame: Frame,
    masks: tuple[np.ndarray, np.ndarray],
    annotation: Path | None,
    palette: Sequence[Mapping[str, Any]],
    tiling: Mapping[str, Any],
    threads: int,
) -> None:
    """Write the store of a usable slide; runs in the guarded child."""
    labels = None
    if annotation is not None:
        mpp = tile_mpp(tiling, size=(frame.width, frame.height), mpp=frame.mpp)
        check_annotation(annotation, frame, coarsest_mpp=2 * mpp)
        labels = open_annotation(annotation, frame, palette)
    reduced = tiling["resample"] == "dct"
    with open_slide(path, mpp=frame.mpp, reduced=reduced) as source:
        _write_tiles(
            source,
            out,
            slide=slide,
            frame=frame,
            masks=masks,
            labels=labels,
            tiling=tiling,
            threads=threads,
        )


def _write_tiles(
    source: Slide,
    out: Path,
    *,
    slide: str,
    frame: Frame,
    masks: tuple[np.ndarray, np.ndarray],
    labels: Annotation | None,
    tiling: Mapping[str, Any],
    threads: int,
) -> None:
    """Read, encode and write the tiles of an open slide."""
    size = int(tiling["size"])
    plan = make_plan(source, tiling)
    if plan.note:
        logging.warning("%s: %s", slide, plan.note)
    grid = lay_grid(
        (frame.width, frame.height),
        *masks,
        slide_mpp=frame.mpp,
        mpp=plan.mpp,
        size=size,
        min_tissue=tiling["min_tissue"],
        max_artefact=tiling["max_artefact"],
        largest=plan.largest,
    )
    stain = fit_to_tiles(source, grid, size, tiling["stain"])
    shapes: dict[str, tuple[int, ...]] = {"pixels": (size, size, 3)}
    if labels is not None:
        shapes["label"] = (size, size)
    with whole_folder(out) as folder:
        writer = TileWriter(folder, len(grid.cell), shapes, codecs={"pixels": plan.codec})
        cutter = Cutter(source, plan, grid, size, labels, stain, writer.codecs)
        for chunks in cutter.tiles(threads):
            writer.append_encoded(**chunks)
        writer.close(
            {name: getattr(grid, name) for name in ("origin", "cell", "tissue", "artefacts")},
            {
                "slide": slide,
                "slide_size": [frame.width, frame.height],
                "slide_mpp": frame.mpp,
                "annotated_mm2": None if labels is None else labels.areas_mm2(),
                **_describe(source, plan, grid, tiling, stain),
            },
        )
    logging.info(
        "%s: %d tiles of %d px at %.4g µm per pixel", slide, len(grid.cell), size, plan.mpp
    )


def _describe(
    source: Slide,
    plan: Plan,
    grid: Grid,
    tiling: Mapping[str, Any],
    stain: "StainTransform | None",
) -> dict[str, Any]:
    """How the tiles were made, for the attributes of the store."""
    size = int(tiling["size"])
    return {
        "status": "ok",
        "reason": "",
        "tiles": len(grid.cell),
        "mpp": plan.mpp,
        "fit_px": tiling.get("fit_px"),
        "size": size,
        "scale_to_level0": grid.footprint / size,
        "grid": [grid.columns, grid.rows],
        "reader": source.reader,
        "note": plan.note,
        "settings": {key: value for key, value in tiling.items() if key != "stain"},
        "stain": describe_fit(stain, tiling["stain"]),
        "versions": {"histoniche": __version__, "zarr": zarr.__version__},
    }


def _read_mask(path: Path) -> np.ndarray:
    """A mask that the inspection wrote, uint8."""
    with Image.open(path) as image:
        return np.asarray(image)
