"""What planning a run of thousands of slides takes: `make bench-scale`.

Sheets of so many slides are made up, with placeholders for the files that they name, and a dry run
with every stage on is timed in a process of its own: reading the sheets, building the graph of
jobs, and ordering it. Nothing is executed. Planning takes one thread, so that CPU seconds are what
it takes on a machine that does nothing else.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Console
from rich.table import Table
from snakemake.utils import update_config

from histoniche.cohort.scan_sheet import FITTED_MAPS
from histoniche.files import write_json
from study import CHECKOUT, Study, planned_jobs

SIZES = (1_000, 10_000)
SECONDS, GIGABYTES = 60, 4
# A slide more costs no more in the larger cohort than in the smaller one, but for noise.
GROWTH = 1.15
SECTIONS_A_PATIENT, SLIDES_AN_ANNOTATION = 2, 20
SLIDES_PER_JOB = 32
SLIDE_BYTES = 400_000_000
# A PNG's signature and header, all that is read of a mask before its job runs.
MASK = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (4096).to_bytes(4) * 2
TABLES = (
    *("counts.tsv.gz", "mutations.maf", "references.gmt", "gene_sets.gmt", "markers.tsv"),
    *("cells.tsv.gz", "cell_labels.tsv", "ligand_receptor.tsv"),
    *(
        f"external/{cohort}/{name}"
        for cohort in ("planted", "unplanted")
        for name in ("expression.tsv.gz", "patients.tsv")
    ),
)
VOLUMES = ("mask", *FITTED_MAPS)
COVARIATES = {
    "age": [str(age) for age in range(30, 80)],
    "sex": ["F", "M"],
    "mgmt": ["methylated", "methylated", "unmethylated"],
    "egfr": ["normal", "normal", "normal", "amplified"],
    "coin": ["tails", "heads"],
}
# What each stage ends with, so that a stage is what it adds to those before it.
STAGES = {
    "slides and tiles": "check_slides",
    "segmentation": "evaluate_segmentation",
    "areas": "collect_areas",
    "traits": "summarise_traits",
    "scans": "evaluate_risk",
    "omics": "derive_signatures",
    "survival": "fit_survival",
    "everything": "all",
}


class Planning(NamedTuple):
    """What one dry run took."""

    slides: int
    up_to: str
    jobs: int
    cpu_seconds: float
    wall_seconds: float
    gigabytes: float


def write_cohort(folder: Path, slides: int) -> Study:
    """Make up a cohort of `slides` slides, and the configuration of the demo for it."""
    cohort = folder / "cohort"
    (cohort / "slides").mkdir(parents=True)
    patients = [f"P{number:06}" for number in range(-(-slides // SECTIONS_A_PATIENT))]
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
    write_scans(cohort, patients)
    for name in TABLES:
        (cohort / name).parent.mkdir(parents=True, exist_ok=True)
        (cohort / name).touch()
    return Study(folder, own_config(cohort))


def write_patients(path: Path, patients: list[str]) -> None:
    """Write a sheet of patients with the demo's columns."""
    rows = ["\t".join(["patient", "time", "event", *COVARIATES])]
    for number, patient in enumerate(patients):
        own = [values[number % len(values)] for values in COVARIATES.values()]
        rows.append("\t".join([patient, str(number % 900 + 1), str(number % 2), *own]))
    path.write_text("\n".join(rows) + "\n")


def write_scans(cohort: Path, patients: list[str]) -> None:
    """Write a sheet with a scan a patient, and its files."""
    rows = ["\t".join(["patient", *VOLUMES])]
    for patient in patients:
        folder = cohort / "scans" / patient
        folder.mkdir(parents=True)
        for name in VOLUMES:
            (folder / f"{name}.nii.gz").touch()
        files = [f"scans/{patient}/{name}.nii.gz" for name in VOLUMES]
        rows.append("\t".join([patient, *files]))
    (cohort / "scans.tsv").write_text("\n".join(rows) + "\n")


def own_config(cohort: Path) -> dict[str, Any]:
    """The demo's configuration with traits and a slide signature: every stage, in large batches."""
    config: dict[str, Any] = {}
    for name in ("demo.yaml", "presets/demo_traits.yaml"):
        text = (CHECKOUT / "config" / name).read_text()
        more = yaml.safe_load(text.replace("results/demo-cohort", str(cohort)))
        update_config(config, more)
    for block in ("slides", "segmentation", "traits"):
        config[block]["slides_per_job"] = SLIDES_PER_JOB
    config["imaging"]["scans_per_job"] = SLIDES_PER_JOB
    config["traits"]["features"] = {}
    config["slide_signature"] = {"folds": 5}
    return config


def plan(study: Study, slides: int, stage: str) -> Planning:
    """Time one dry run in a process of its own."""
    study.write_config()
    out = study.folder / "plan.txt"
    command = study.command("--dry-run", "--quiet", "rules", "--", STAGES[stage])
    start = time.perf_counter()
    with out.open("wb") as stream:
        both = [(os.POSIX_SPAWN_DUP2, stream.fileno(), number) for number in (1, 2)]
        process = os.posix_spawn(command[0], command, os.environ, file_actions=both)
        _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    text = out.read_text()
    if status:
        raise SystemExit(text[-2000:])
    jobs = sum(planned_jobs(text).values())
    cpu = usage.ru_utime + usage.ru_stime
    return Planning(slides, stage, jobs, cpu, wall, usage.ru_maxrss / 1e6)


def rows_of(plans: list[Planning]) -> list[dict[str, Any]]:
    """The goals, and whether the largest cohort with every stage meets them."""
    whole = [one for one in plans if one.up_to == "everything"]
    small, large = whole[0], whole[-1]
    growth = (large.cpu_seconds / large.slides) / (small.cpu_seconds / small.slides)
    goals = {
        "CPU seconds": (large.cpu_seconds, SECONDS),
        "GB": (large.gigabytes, GIGABYTES),
        f"CPU seconds a slide against {small.slides:,} slides": (growth, GROWTH),
    }
    return [
        {
            "what": f"dry run of {large.slides:,} slides, {large.jobs:,} jobs: {what}",
            "ours": ours,
            "target": target,
            "holds": ours <= target,
        }
        for what, (ours, target) in goals.items()
    ]


def show(plans: list[Planning]) -> None:
    """Print what the dry runs took."""
    table = Table(title="planning a run")
    for head in ("slides", "up to", "jobs", "CPU s", "wall s", "GB"):
        table.add_column(head, justify="left" if head == "up to" else "right")
    for one in plans:
        amounts = (f"{one.cpu_seconds:.1f}", f"{one.wall_seconds:.1f}", f"{one.gigabytes:.2f}")
        table.add_row(f"{one.slides:,}", one.up_to, f"{one.jobs:,}", *amounts)
    Console(width=100).print(table)


def main() -> None:
    """Time dry runs; arguments: the JSON to write, then the sizes and stages if not all."""
    out, *chosen = sys.argv[1:]
    sizes = [int(word) for word in chosen if word.isdigit()] or SIZES
    stages = [word for word in chosen if word in STAGES] or list(STAGES)
    plans = []
    for slides in sizes:
        with tempfile.TemporaryDirectory() as folder:
            study = write_cohort(Path(folder), slides)
            plans += [plan(study, slides, stage) for stage in stages]
    show(plans)
    rows = rows_of(plans)
    for row in rows:
        verdict = "holds" if row["holds"] else "misses"
        print(f"{row['what']}: {row['ours']:.2f}, goal {row['target']}, {verdict}")
    write_json([*rows, *(one._asdict() for one in plans)], Path(out))


if __name__ == "__main__":
    main()
