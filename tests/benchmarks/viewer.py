"""The viewer from loopback: how fast tiles come, and what memory fifty viewers take.

Twelve slides of 20,480 px a side, more than may be open at a time. Every viewer opens slides, zooms
and moves as people do, with the region map over them; numbers of tiles and time are bounded.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pandas as pd
import yaml
from made_slide import MPP, SIDE, write_svs
from rich.console import Console
from rich.table import Table

from histoniche.cohort.config import check_config
from histoniche.cohort.palette import find_palette, read_palette
from histoniche.files import whole_folder, write_json, write_text
from histoniche.regions.maps import map_regions
from histoniche.slides.inspected import Inspected
from histoniche.slides.inspection import inspect_slide
from histoniche.slides.quality_table import collect_quality
from histoniche.slides.store import TileWriter
from histoniche.tables import write_table
from viewer_server import Running, viewing

SLIDES, VIEWERS, LOOKS = 12, 50, 40
WARM_MS, GIGABYTES, GROWTH = 50.0, 1.5, 0.15
# All of it together; a viewer that hangs ends the benchmark.
SECONDS = 300
PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))]
MAP_MPP, TILE = 8.0, 128


class Row(NamedTuple):
    """What was measured, and the most that it may be."""

    what: str
    measured: float
    most: float
    unit: str
    note: str

    @property
    def holds(self) -> bool:
        return self.measured <= self.most


def write_map(slide: str, results: Path) -> None:
    """Write a region map of stripes."""
    side = round(SIDE * MPP / MAP_MPP)
    count = -(-side // TILE)
    segmented = results / "segmentation" / f"{slide}.zarr"
    cells = np.array([(x, y) for y in range(count) for x in range(count)], np.int32)
    stripes = ((np.arange(TILE) // 8) % len(PALETTE)).astype(np.uint8)
    step = MAP_MPP / MPP
    with whole_folder(segmented) as folder:
        writer = TileWriter(folder, len(cells), {"label": (TILE, TILE)})
        for _ in cells:
            writer.append(label=np.ascontiguousarray(np.tile(stripes, (TILE, 1))))
        writer.close(
            {"cell": cells, "origin": (cells * TILE * step).astype(np.int32)},
            {
                "slide": slide, "status": "ok", "reason": "", "tiles": len(cells), "mpp": MAP_MPP,
                "size": TILE, "scale_to_level0": step, "slide_size": [SIDE, SIDE],
                "slide_mpp": MPP, "grid": [count, count],
            },
        )  # fmt: skip
    out = results / "regions" / slide
    map_regions(
        segmented,
        results / "slides" / slide / "thumbnail.png",
        out_map=out / "map.ome.zarr",
        out_geojson=out / "regions.geojson",
        out_overlay=out / "overlay.png",
        out_areas=out / "areas.json",
        palette=PALETTE,
        tolerance_um=0,
    )


def write_results(folder: Path) -> list[str]:
    """Write results of slides that are one file under many names; gives the slides."""
    results, names = folder / "results", [f"S{number:02d}" for number in range(SLIDES)]
    settings: dict[str, Any] = check_config({"cohort": {"patients": "-"}}, file="-")["slides"]
    write_svs(folder / f"{names[0]}.svs")
    first = results / "slides" / names[0]
    inspect_slide(
        folder / f"{names[0]}.svs",
        Inspected.beneath(first),
        slide=names[0],
        mpp=None,
        tissue_mask=None,
        settings=settings,
    )
    write_map(names[0], results)
    for name in names[1:]:
        os.link(folder / f"{names[0]}.svs", folder / f"{name}.svs")
        shutil.copytree(first, results / "slides" / name)
        shutil.copytree(results / "regions" / names[0], results / "regions" / name)
    collect_quality(
        {name: results / "slides" / name / "inspection.json" for name in names},
        results / "slides" / "quality.parquet",
        stores={},
        patients=dict.fromkeys(names, "P1"),
        excluded=[],
        limits=settings["limits"],
    )
    write_table(pd.DataFrame({"patient": ["P1"]}), results / "cohort" / "patients.parquet")
    rows = "".join(f"{name}\tP1\t{name}.svs\n" for name in names)
    write_text("slide\tpatient\tpath\n" + rows, folder / "slides.tsv")
    cohort = {"slides": "slides.tsv", "patients": "patients.tsv"}
    config = {"results": "results", "cohort": cohort}
    write_text(yaml.safe_dump(config), folder / "config" / "study.yaml")
    return names


def log_in(browser: httpx.Client, token: str) -> dict[str, str]:
    """Log in; gives the cookies."""
    form = browser.get("/login").text.partition('name="form" value="')[2].partition('"')[0]
    browser.post("/login", data={"token": token, "form": form}).raise_for_status()
    return dict(browser.cookies)


def walk(slides: list[str], view: dict[str, Any], seed: int) -> list[str]:
    """Addresses of tiles that one viewer looks at: a slide from afar, then nearer and aside."""
    random = np.random.default_rng(seed)
    addresses = []
    while len(addresses) < 2 * LOOKS:
        slide = slides[random.integers(len(slides))]
        x, y = random.random(2)
        for level in range(view["last"] - 5, view["last"] + 1):
            tiles = -(-(SIDE >> (view["last"] - level)) // view["tile"])
            column, row = (min(tiles - 1, int(share * tiles)) for share in (x, y))
            place = f"{level}/{column}_{row}"
            addresses.append(f"/slides/{slide}/tiles/{place}.jpg")
            addresses.append(f"/slides/{slide}/overlays/regions/{place}.png")
    return addresses[: 2 * LOOKS]


def get_all(browser: httpx.Client, addresses: list[str]) -> list[float]:
    """Milliseconds that each tile took, one after the other."""
    taken = []
    for address in addresses:
        start = time.perf_counter()
        browser.get(address).raise_for_status()
        taken.append(1000 * (time.perf_counter() - start))
    return taken


async def crowd(running: Running, cookies: dict[str, str], walks: list[list[str]]) -> list[float]:
    """Milliseconds of every tile of many viewers at once."""

    async def look(addresses: list[str]) -> list[float]:
        taken = []
        # Each has a connection of its own, as browsers have.
        async with httpx.AsyncClient(base_url=running.base, cookies=cookies, timeout=60) as browser:
            for address in addresses:
                start = time.perf_counter()
                (await browser.get(address)).raise_for_status()
                taken.append(1000 * (time.perf_counter() - start))
        return taken

    found = await asyncio.gather(*(look(addresses) for addresses in walks))
    return [one for own in found for one in own]


def memory_gb(process: int, what: str) -> float:
    """Memory of a process, VmRSS now or VmHWM at its largest."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(what))
    return int(line.split()[1]) / 2**20


async def measure(running: Running, slides: list[str]) -> list[Row]:
    """Measure a viewer that runs."""
    with httpx.Client(base_url=running.base, follow_redirects=True, timeout=60) as browser:
        cookies = log_in(browser, running.token)
        view = browser.get(f"/slides/{slides[0]}/view.json").json()
        alone = walk(slides, view, 0)
        cold = get_all(browser, list(dict.fromkeys(alone)))
        warm = [one for _ in range(5) for one in get_all(browser, alone)]
    walks = [walk(slides, view, seed) for seed in range(1, VIEWERS + 1)]
    start = time.perf_counter()
    first = await crowd(running, cookies, walks)
    seconds = time.perf_counter() - start
    held = memory_gb(running.process, "VmRSS")
    others = [walk(slides, view, seed) for seed in range(1000, 1000 + VIEWERS)]
    await crowd(running, cookies, others)
    grown = memory_gb(running.process, "VmRSS") - held
    peak = memory_gb(running.process, "VmHWM")
    p95 = float(np.percentile(warm, 95))
    return [
        Row(
            "warm tile, 95 of 100 come within", p95, WARM_MS, "ms",
            f"median {np.median(warm):.1f}; the first time {np.percentile(cold, 95):.0f}",
        ),
        Row(
            f"{VIEWERS} viewers at once, largest memory", peak, GIGABYTES, "GB",
            f"{len(first):,} tiles in {seconds:.1f} s, {len(first) / seconds:.0f} a second, "
            f"95 of 100 within {np.percentile(first, 95):.0f} ms",
        ),
        Row(f"{VIEWERS} others after them, more memory", grown, GROWTH, "GB", f"from {held:.2f}"),
    ]  # fmt: skip


def report(rows: list[Row], out: Path) -> None:
    """Print what was measured as a table and write it as JSON."""
    table = Table(title=out.stem)
    for head in ("what", "measured", "at most", "", "note"):
        table.add_column(head, justify="right" if head in ("measured", "at most") else "left")
    for row in rows:
        verdict = "holds" if row.holds else "[red]misses"
        table.add_row(
            row.what, f"{row.measured:.2f} {row.unit}", f"{row.most:g}", verdict, row.note
        )
    Console(width=140).print(table)
    write_json([{**row._asdict(), "holds": row.holds} for row in rows], out)


def main() -> None:
    """Measure and write it where the first argument says."""
    out = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        slides = write_results(Path(folder))
        with viewing(Path("results"), cwd=Path(folder)) as running:
            rows = asyncio.run(asyncio.wait_for(measure(running, slides), SECONDS))
    report(rows, out)


if __name__ == "__main__":
    main()
