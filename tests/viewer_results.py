"""A small results folder, written by the stages' own functions on slides of the demo's kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.demo.design import REGIONS
from histoniche.demo.layout import MPP, draw_layout, draw_size
from histoniche.demo.slides import write_broken_slide, write_slide
from histoniche.demo.textures import draw_stain, render_section
from histoniche.files import whole_folder, write_text
from histoniche.randomness import generator
from histoniche.regions.cohort_areas import collect_areas
from histoniche.regions.maps import map_regions
from histoniche.slides.inspected import Inspected
from histoniche.slides.inspection import inspect_slide
from histoniche.slides.quality_table import collect_quality
from histoniche.slides.store import TileStore, TileWriter
from histoniche.tables import write_table
from histoniche.traits.cartography import lay_cartography
from histoniche.traits.findings import write_findings
from histoniche.traits.voters import Voters
from histoniche.traits.votes import write_vote

PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))]
MAP_MPP = 8.0
SIZE = 64
HOSTILE = "</script><img src=x onerror=alert(1)>"
FORMULA = "=HYPERLINK(1)"
SHARES = {
    **{"LE": 0.12, "IT": 0.2, "CT": 0.38, "CTpnz": 0.08},
    **{"CTpan": 0.04, "CTmvp": 0.06, "CTne": 0.12},
}
SLIDES = {"P1-1": "P1", "P1-2": "P1", "P2-1": "P2"}
BROKEN = "P2-1"


@dataclass(frozen=True)
class Made:
    """A results folder, its configuration, and the region maps that were planted."""

    folder: Path
    labels: Mapping[str, np.ndarray]

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def config(self) -> Path:
        return self.folder / "config" / "study.yaml"


def make_results(folder: Path, *, limits: Mapping[str, Any], settings: Mapping[str, Any]) -> Made:
    """Write two slides that were mapped and one that is broken, with tables and figures.

    Parameters
    ----------
    limits, settings
        The configuration's `slides.limits` and `slides`.
    """
    results = folder / "results"
    (folder / "slides").mkdir(parents=True)
    labels = {slide: _draw(slide, mm2, folder) for slide, mm2 in (("P1-1", 11.0), ("P1-2", 5.0))}
    write_broken_slide(folder / "slides" / f"{BROKEN}.tif", generator(1, "broken"))
    for slide in SLIDES:
        inspect_slide(
            folder / "slides" / f"{slide}.tif",
            Inspected.beneath(results / "slides" / slide),
            slide=slide,
            mpp=None,
            tissue_mask=None,
            settings=settings,
        )
    collect_quality(
        {slide: results / "slides" / slide / "inspection.json" for slide in SLIDES},
        results / "slides" / "quality.parquet",
        stores={},
        patients=SLIDES,
        excluded=[{"slide": "P2-2", "patient": "P2", "reason": f"folded {HOSTILE}"}],
        limits=limits,
    )
    for slide, planted in labels.items():
        _find(slide, planted, results)
    collect_areas(
        {slide: results / "regions" / slide / "areas.json" for slide in labels},
        results / "areas" / "slides.parquet",
        results / "areas" / "patients.parquet",
        patients=SLIDES,
        measure="area_mm2",
    )
    _write_tables(results)
    _write_config(folder)
    return Made(folder, labels)


def _draw(slide: str, mm2: float, folder: Path) -> np.ndarray:
    """Draw a slide of some tissue; gives its labels at `MPP`."""
    random = generator(3, slide)
    areas = {region: mm2 * SHARES[region] for region in REGIONS}
    labels = draw_layout(areas, size=draw_size(mm2, random), random=random)
    picture = render_section(labels, stain=draw_stain("Aster", random), random=random)
    write_slide(picture, folder / "slides" / f"{slide}.tif")
    return labels


def _find(slide: str, planted: np.ndarray, results: Path) -> None:
    """Write what networks would have found on a slide."""
    segmented = results / "segmentation" / f"{slide}.zarr"
    _write_segmentation(slide, planted, segmented)
    folder = results / "regions" / slide
    map_regions(
        segmented,
        results / "slides" / slide / "thumbnail.png",
        out_map=folder / "map.ome.zarr",
        out_geojson=folder / "regions.geojson",
        out_overlay=folder / "overlay.png",
        out_areas=folder / "areas.json",
        palette=PALETTE,
        tolerance_um=0,
    )
    random = generator(4, slide)
    maps = results / "traits" / "maps" / slide
    tiles, votes = TileStore(segmented), {}
    for trait in ("egfr", "mgmt"):
        share = random.random(len(tiles))
        found = np.stack([1 - share, share], -1).astype(np.float16)
        network = results / "found" / trait / f"{slide}.zarr"
        write_findings(tiles, network, {"probabilities": found}, {"classes": ["low", "high"]})
        votes[trait] = maps / f"{trait}.zarr"
        write_vote(
            segmented,
            {0: network},
            votes[trait],
            trait=trait,
            classes=["low", "high"],
            voters=Voters([0], [0.4]),
            rule="majority",
        )
    tilings = dict.fromkeys(votes, "region")
    lay_cartography(segmented, votes, maps / "cartography.zarr", tilings=tilings)
    attention = random.random(len(tiles)).astype(np.float32)
    stated = {"classes": ["low", "high"], "probabilities": [0.3, 0.7], "bag_slides": 1}
    write_findings(
        tiles,
        results / "traits" / "bag" / "attention" / f"{slide}.zarr",
        {"attention": attention / attention.sum()},
        {**stated, "bag_tiles": len(tiles)},
    )


def _write_segmentation(slide: str, planted: np.ndarray, out: Path) -> None:
    """Write the planted labels as the segmentation would, with probabilities."""
    step = round(MAP_MPP / MPP)
    labels = planted[::step, ::step]
    rows, columns = (-(-side // SIZE) for side in labels.shape)
    canvas = np.zeros((rows * SIZE, columns * SIZE), np.uint8)
    canvas[: labels.shape[0], : labels.shape[1]] = labels
    cells = [
        (column, row)
        for row in range(rows)
        for column in range(columns)
        if canvas[row * SIZE :, column * SIZE :][:SIZE, :SIZE].any()
    ]
    shapes = {"label": (SIZE, SIZE), "probability": (len(PALETTE), SIZE, SIZE)}
    with whole_folder(out) as temporary:
        writer = TileWriter(temporary, len(cells), shapes)
        for column, row in cells:
            tile = canvas[row * SIZE :, column * SIZE :][:SIZE, :SIZE]
            sure = np.where(np.arange(len(PALETTE))[:, None, None] == tile, 200, 7)
            writer.append(label=np.ascontiguousarray(tile), probability=sure.astype(np.uint8))
        cell = np.array(cells, np.int32)
        columns_of_tiles = {"cell": cell, "origin": cell * SIZE * step}
        height, width = planted.shape
        writer.close(
            columns_of_tiles,
            {
                "slide": slide, "status": "ok", "reason": "", "tiles": len(cells), "mpp": MAP_MPP,
                "size": SIZE, "scale_to_level0": float(step), "slide_size": [width, height],
                "slide_mpp": MPP, "grid": [columns, rows],
            },
        )  # fmt: skip


def _write_tables(results: Path) -> None:
    """Write tables with hostile names, two figures and the report."""
    patients = pd.DataFrame(
        {
            "patient": ["P1", "P2", "P3"],
            "time_days": [412.0, 90.5, np.nan],
            "event": pd.array([1, 0, None], dtype="Int64"),
            "mgmt": ["methylated", HOSTILE, None],
            "age": [61.0, 48.0, 55.0],
        }
    )
    write_table(patients, results / "cohort" / "patients.parquet")
    signatures = pd.DataFrame({"gene": [HOSTILE, FORMULA, "EGFR"], "rho": [0.71, -0.5, 0.2]})
    write_table(signatures, results / "omics" / "signatures.parquet")
    terms = pd.DataFrame({"term": [HOSTILE, "GO:1"], "q": [0.01, 0.2]})
    write_table(terms, results / "omics" / "enrichment.parquet")
    write_table(pd.DataFrame({"region": ["CT"], "q": [0.03]}), results / "survival" / "cox.parquet")
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="200"><style>'
        "text{font:20px sans-serif}</style><script>alert(1)</script>"
        '<rect x="20" y="40" width="400" height="60" fill="#0b6b8a"/>'
        '<text x="20" y="150">Hazard ratio, n = 2</text></svg>'
    )
    for name in ("cox", "signature_genes", "enrichment"):
        write_text(drawing, results / "figures" / f"{name}.svg")
    write_text(f"gene\tr\n{FORMULA}\t0.5\n", results / "figures" / "cox.tsv")
    links = ("figures/cox.svg", "figures/cox.tsv", "figures/gone.png", "../slides.tsv", "%2e%2e/")
    page = "<!doctype html><title>Summary</title><style>h1{color:teal}</style><h1>Summary</h1>"
    page += "<script>alert(1)</script><img src=figures/cox.svg alt=Cox>"
    page += "".join(f'<a href="{link}">{link}</a>' for link in links)
    write_text(page, results / "summary.html")


def _write_config(folder: Path) -> None:
    """Write the configuration and the sheets that it names."""
    rows = ["slide\tpatient\tpath\tmpp"]
    rows += [f"{slide}\t{patient}\tslides/{slide}.tif\t" for slide, patient in SLIDES.items()]
    write_text("\n".join(rows) + "\n", folder / "slides.tsv")
    write_text("patient\ttime\tevent\nP1\t412\t1\n", folder / "patients.tsv")
    config = {
        "study": {"name": "made", "title": "Made study"},
        "results": "results",
        "cohort": {
            "slides": str(folder / "slides.tsv"),
            "patients": str(folder / "patients.tsv"),
            "root": str(folder),
        },
    }
    write_text(yaml.safe_dump(config), folder / "config" / "study.yaml")
