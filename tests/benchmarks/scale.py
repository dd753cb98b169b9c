"""What planning a run of thousands of slides takes: `make bench-scale`.

Sheets of so many slides are made up, with placeholders for the files that they name, and a dry run
with every stage on is timed in a process of its own: reading the sheets, building the graph of
jobs, and ordering it. Nothing is executed.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from study import CHECKOUT, Study, planned_jobs

SIZES = (1_000, 10_000)
SECONDS, GIGABYTES = 60, 4
# Beyond this the larger cohort costs more a slide than the smaller one, start-up apart.
GROWTH = 1.15
SECTIONS_A_PATIENT, SLIDES_AN_ANNOTATION = 2, 20
SLIDE_BYTES = 400_000_000
# A PNG's signature and header, all that is read of a mask before its job runs.
MASK = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (4096).to_bytes(4) * 2
STAGES = {
    "tiles": "collect_quality",
    "segmentation": "evaluate_segmentation",
    "areas": "collect_areas",
    "omics": "derive_signatures",
    "survival": "fit_survival",
    "report": "all",
}


class Planning(NamedTuple):
    """What one dry run took."""

    slides: int
    up_to: str
    jobs: int
    seconds: float
    gigabytes: float


def write_cohort(folder: Path, slides: int) -> Study:
    """Make up a cohort of `slides` slides, and the configuration of the demo for it."""
    cohort = folder / "cohort"
    (cohort / "slides").mkdir(parents=True)
    patients = [f"P{number:06}" for number in range(slides // SECTIONS_A_PATIENT)]
    rows = ["slide\tpatient\tpath\tannotation"]
    for number in range(slides):
        name = f"S{number:06}"
        # Without pixels and without blocks on the disk, but as long as a slide is.
        with (cohort / "slides" / f"{name}.svs").open("wb") as stream:
            stream.truncate(SLIDE_BYTES)
        annotation = "" if number % SLIDES_AN_ANNOTATION else f"slides/{name}.png"
        if annotation:
            (cohort / annotation).write_bytes(MASK)
        patient = patients[number // SECTIONS_A_PATIENT]
        rows.append(f"{name}\t{patient}\tslides/{name}.svs\t{annotation}")
    (cohort / "slides.tsv").write_text("\n".join(rows) + "\n")
    write_patients(cohort / "patients.tsv", patients)
    return Study(folder, own_config(cohort))


def write_patients(path: Path, patients: list[str]) -> None:
    """Write a sheet of patients with the demo's covariates."""
    rows = ["patient\ttime\tevent\tage\tsex\tmgmt"]
    rows += [
        f"{patient}\t{number % 900 + 1}\t{number % 2}\t{30 + number % 50}\t{'FM'[number % 2]}\t"
        f"{('methylated', 'unmethylated')[number // 2 % 2]}"
        for number, patient in enumerate(patients)
    ]
    path.write_text("\n".join(rows) + "\n")


def own_config(cohort: Path) -> dict[str, Any]:
    """The demo's configuration, which has every stage, with empty files in place of its tables."""
    text = (CHECKOUT / "config" / "demo.yaml").read_text()
    config: dict[str, Any] = yaml.safe_load(text.replace("results/demo-cohort", str(cohort)))
    for name in ("counts.tsv.gz", "mutations.maf", "references.gmt", "gene_sets.gmt"):
        (cohort / name).touch()
    for name in ("markers.tsv", "cells.tsv.gz", "cell_labels.tsv", "ligand_receptor.tsv"):
        (cohort / name).touch()
    config["segmentation"].pop("slides_per_job")
    return config


def plan(study: Study, slides: int, up_to: str) -> Planning:
    """Time one dry run in a process of its own."""
    study.write_config()
    out = study.folder / "plan.txt"
    start = time.perf_counter()
    with out.open("wb") as stream:
        command = study.command(
            "--dry-run", "--quiet", "rules", *([] if up_to == "all" else [up_to])
        )
        process = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stream.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, stream.fileno(), 2),
            ],
        )
        _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    text = out.read_text()
    if status:
        raise SystemExit(text[-2000:])
    return Planning(slides, up_to, sum(planned_jobs(text).values()), seconds, usage.ru_maxrss / 1e6)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        n = int(sys.argv[1])
        study = write_cohort(Path(name), n)
        for stage in sys.argv[2:]:
            print(plan(study, n, stage), flush=True)
