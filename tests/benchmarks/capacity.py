"""What a large cohort takes, from throughputs measured here: `make bench-capacity`.

python tests/benchmarks/capacity.py results/benchmarks/scale.json docs/scale.md

Every stage runs on a made slide, in CPU seconds of all its processes; the networks on a GPU where
one is, else its time is reckoned from their operations. A typical slide is that with more tissue, a
cohort so many of them. What lies between the marks of the page is written anew.
"""

import argparse
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from stage_costs import CONFIG, INSPECTION, OF_FEATURES, OF_SCAN, Stage, measure, operations

from histoniche.files import read_json
from histoniche.slides.store import TILES_PER_SHARD

# What is assumed of a diagnostic slide at 40x, and of a site.
TISSUE_MM2, SLIDE_GB = 150.0, 1.0
CORES, GPUS, TERABYTES, FILES = 512, 8, 100, 20e6
# A GPU's sustained bfloat16 work where none is here to be measured.
SUSTAINED_FLOPS = 60e12
# Longest that a site waits, and that planning a run may take.
DAYS, PLANNING_SECONDS = 14, 600
COHORTS = {"TCGA-GBM": 2_053, "10,000 slides": 10_000, "100,000 slides": 100_000}
MARKS = "<!-- computed -->", "<!-- end -->"


class Planning(NamedTuple):
    """What a slide more costs a dry run."""

    jobs: float
    seconds: float


def _shards(tiles: float) -> int:
    """Shards that so many tiles take."""
    return math.ceil(tiles / TILES_PER_SHARD)


def typical(stages: Mapping[str, Stage], tiles: Mapping[str, int]) -> dict[str, Stage]:
    """The stages of a typical slide: the made one's, for as many more tiles as it has tissue."""
    most = {
        name: TISSUE_MM2 / (one["mpp"] * one["size"] / 1000) ** 2
        for name, one in CONFIG["tilings"].items()
    }
    needed = operations()
    found = {}
    for name, stage in stages.items():
        if name in (INSPECTION, OF_SCAN):
            found[name] = stage
            continue
        tiling = "cell" if OF_FEATURES in name else "region"
        more = most[tiling] / tiles[tiling]
        gpu = stage.gpu * more
        if name in needed and not gpu:
            gpu = needed[name] * most[tiling] / SUSTAINED_FLOPS
        shards = stage.shards * _shards(most[tiling]) / _shards(tiles[tiling])
        found[name] = Stage(stage.cpu * more, gpu, stage.gigabytes * more, stage.files, shards)
    return found


def slide_table(stages: Mapping[str, Stage]) -> list[str]:
    """Lines of what a typical slide takes."""
    lines = ["| stage | CPU-seconds | GPU-seconds | MB | files |", "|---|---|---|---|---|"]
    for name, one in stages.items():
        gpu = f"{one.gpu:.1f}" if one.gpu else ""
        sizes = f"{1000 * one.gigabytes:,.1f} | {one.files + one.shards:,.0f}"
        lines.append(f"| {name} | {one.cpu:,.1f} | {gpu} | {sizes} |")
    return lines


def cohort_table(stages: Mapping[str, Stage], planning: Planning) -> list[str]:
    """Lines of the cohorts, and what a site runs out of first."""
    # What a GPU does costs no core.
    cpu = sum(one.cpu for one in stages.values() if not one.gpu) / 3600
    gpu = sum(one.gpu for one in stages.values()) / 3600
    files = sum(one.files + one.shards for one in stages.values())
    gigabytes = SLIDE_GB + sum(one.gigabytes for one in stages.values())
    lines = [
        "| cohort | jobs | planning, min | CPU-hours | GPU-hours | files, millions | TB | first |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, slides in COHORTS.items():
        shares = {
            f"cores: {slides * cpu / CORES / 24:.1f} days": slides * cpu / CORES / 24 / DAYS,
            f"GPUs: {slides * gpu / GPUS / 24:.1f} days": slides * gpu / GPUS / 24 / DAYS,
            "disk": slides * gigabytes / 1000 / TERABYTES,
            "files": slides * files / FILES,
            "planning": slides * planning.seconds / PLANNING_SECONDS,
        }
        numbers = (
            f"{slides * planning.jobs:,.0f}", f"{slides * planning.seconds / 60:,.1f}",
            f"{slides * cpu:,.0f}", f"{slides * gpu:,.0f}", f"{slides * files / 1e6:,.1f}",
            f"{slides * gigabytes / 1000:,.1f}", max(shares, key=lambda key: shares[key]),
        )  # fmt: skip
        lines.append(f"| {name} | {' | '.join(numbers)} |")
    return lines


def planning_of(dry_runs: Path) -> Planning:
    """Jobs and CPU seconds a slide of the largest dry run of `make bench-scale`."""
    rows: Any = read_json(dry_runs)
    whole = [row for row in rows if row.get("up_to") == "everything"]
    largest = max(whole, key=lambda row: row["slides"])
    return Planning(largest["jobs"] / largest["slides"], largest["cpu_seconds"] / largest["slides"])


def write_page(page: Path, lines: list[str]) -> None:
    """Put lines between the marks of the page."""
    start, end = MARKS
    before, _, rest = page.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(end)
    computed = "\n".join(lines)
    page.write_text(f"{before}{start}\n{computed}\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Measure, reckon and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dry_runs", type=Path)
    parser.add_argument("page", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        stages = typical(*measure(Path(name)))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    lines = [
        f"Measured on {torch.get_num_threads()} cores; GPU: {device}.",
        "",
        *slide_table(stages),
        "",
        *cohort_table(stages, planning_of(given.dry_runs)),
    ]
    print("\n".join(lines))
    write_page(given.page, lines)


if __name__ == "__main__":
    main()
