"""Memory and time of the genome-wide statistics on the largest cohort: `make bench-scale`.

python tests/benchmarks/genome.py results/benchmarks/genome.json [--genes 60000] [--patients 10000]

Each piece of work runs in a process of its own, whose peak is what a job would have to ask for. The
values are drawn where they are needed: what they tell is nothing, what they take is the same.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from histoniche.cox_scan import cox_scan
from histoniche.files import write_json
from histoniche.logrank_scan import logrank_scan
from histoniche.omics.correlation import correlate_with_areas
from histoniche.omics.expression import prepare
from histoniche.omics.matrix import Matrix

REGIONS, PERMUTATIONS = 7, 1_000
# A job of this size fits on a node of a small cluster, and ends within a working day.
GIGABYTES, HOURS = 64, 8


class Cohort(NamedTuple):
    """Numbers of a simulated cohort."""

    values: pd.DataFrame
    """Genes by patients, as `prepare_expression` leaves them."""
    areas: pd.DataFrame
    """Patients by regions."""
    time: np.ndarray
    event: np.ndarray


def cohort(genes: int, patients: int) -> Cohort:
    """Draw a cohort; of the values no second copy is ever made."""
    rng = np.random.default_rng(0)
    values = np.empty((genes, patients))
    for row in values:
        row[:] = rng.gamma(2, 5, patients)
    names = [f"P{number:05}" for number in range(patients)]
    table = pd.DataFrame(
        values, index=[f"G{k:05}" for k in range(genes)], columns=names, copy=False
    )
    areas = pd.DataFrame(rng.dirichlet(np.ones(REGIONS), patients), index=names)
    return Cohort(table, areas, rng.exponential(400, patients), rng.random(patients) < 0.8)


def correlate(data: Cohort, permutations: int) -> None:
    """Rank correlation of every gene with the areas, as the rule's job does it."""
    detected = pd.Series(len(data.areas), index=data.values.index)
    correlate_with_areas(data.values, data.areas, detected=detected, permutations=permutations)


def scale_counts(data: Cohort) -> None:
    """Counts to one row a gene, counts per million."""
    values = data.values.set_axis(pd.RangeIndex(2, len(data.values) + 2))
    genes = pd.Series(data.values.index, index=values.index)
    prepare(Matrix(genes, values, [], None), unit="counts", file=Path("counts.tsv"))


WORKS: dict[str, Callable[[Cohort], object]] = {
    "nothing, so the values themselves": lambda data: None,
    "counts per million": scale_counts,
    f"rank correlation with {REGIONS} areas": lambda data: correlate(data, 0),
    f"the same with {PERMUTATIONS:,} permutations": lambda data: correlate(data, PERMUTATIONS),
    "Cox regressions": lambda data: cox_scan(data.values.to_numpy(), data.time, data.event),
    "log-rank tests": lambda data: logrank_scan(data.values.to_numpy(), data.time, data.event),
}


def measure(name: str, genes: int, patients: int) -> dict[str, float]:
    """Seconds of one piece of work, and this process's peak in gigabytes."""
    data = cohort(genes, patients)
    start, cpu = time.perf_counter(), time.process_time()
    WORKS[name](data)
    return {
        "wall_seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
        "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def main() -> None:
    """Measure every piece of work in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--genes", type=int, default=60_000)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--work", help="measure this alone, and print it as JSON")
    given = parser.parse_args()
    if given.work:
        print(json.dumps(measure(given.work, given.genes, given.patients)))
        return
    rows = []
    for name in WORKS:
        size = ["--genes", str(given.genes), "--patients", str(given.patients)]
        command = [sys.executable, __file__, str(given.out), *size, "--work", name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        holds = found["gigabytes"] <= GIGABYTES and found["wall_seconds"] <= 3600 * HOURS
        rows.append({"what": name, **found, "holds": holds})
    table = Table(title=f"{given.genes:,} genes x {given.patients:,} patients")
    for head in ("what", "CPU s", "wall s", "GB"):
        table.add_column(head, justify="left" if head == "what" else "right")
    for row in rows:
        amounts = (f"{row['cpu_seconds']:.0f}", f"{row['wall_seconds']:.0f}")
        table.add_row(row["what"], *amounts, f"{row['gigabytes']:.1f}")
    Console(width=100).print(table)
    for row in rows:
        print(f"{row['what']}: {'holds' if row['holds'] else 'misses'}")
    write_json(rows, given.out)


if __name__ == "__main__":
    main()
