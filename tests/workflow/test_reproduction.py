"""A study run again from its bundle, by the command that people run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from histoniche.demo.cohort import write_demo_cohort
from histoniche.report.bundle import seal_bundle
from histoniche.report.listing import METADATA
from histoniche.report.provenance import trace
from histoniche.report.verify import opened_bundle, verify_bundle
from histoniche.tables import read_table, write_table
from study import Study

TABLES = ("areas/patients", "areas/slides")
NETWORK = [
    f"models/all/0/{name}"
    for name in (
        *("model.json", "model.safetensors", "history.parquet", "history.tsv"),
        "augmented.png",
    )
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small_config):
    """A study of the annotated slides of four patients, with its areas."""
    folder = tmp_path_factory.mktemp("four")
    write_demo_cohort(folder / "cohort", patients=4)
    # Those with an annotation share a job of each stage.
    sheet = folder / "cohort" / "slides.tsv"
    slides = pd.read_csv(sheet, sep="\t")
    slides[slides["annotation"].notna()].to_csv(sheet, sep="\t", index=False)
    config = yaml.safe_load(yaml.safe_dump(small_config))
    study = Study(folder, config, place=("--cores", "1"))
    study.run(*(f"{config['results']}/{name}.parquet" for name in TABLES))
    return study


def sealed(study, name, patch):
    """Seal what a study has, as its last rule would."""
    patch.chdir(study.folder)
    root = Path(study.config["results"])
    files = [root / f"{table}{ending}" for table in TABLES for ending in (".parquet", ".tsv")]
    models = {one.removeprefix("models/"): root / one for one in NETWORK}
    seal_bundle(
        files,
        Path(name),
        root=root,
        models=models,
        sheets={sheet: Path(f"cohort/{sheet}.tsv") for sheet in ("patients", "slides")},
        workflow=[study.snakefile],
        settings=study.config,
        provenance=trace(
            [*map(str, files), *map(str, models.values())],
            records=Path(".snakemake/metadata"),
            logs=root / "logs",
            benchmarks=root / "benchmarks",
        ),
    )
    return Path(name).absolute()


def reproduce(bundle, *arguments):
    command = "from histoniche.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", command, "reproduce", str(bundle), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture
def bundle(finished, monkeypatch):
    return sealed(finished, "right.crate.zip", monkeypatch)


def test_what_a_run_recorded_is_in_its_bundle(bundle):
    assert verify_bundle(bundle) == []
    with opened_bundle(bundle) as content:
        graph = json.load(content.open(METADATA))["@graph"]
    jobs = {one["@id"]: one for one in graph if one["@id"].startswith("#job/")}
    trained = jobs["#job/train_head/models/all/0"]
    assert {one["@id"] for one in trained["result"]} == set(NETWORK)
    assert jobs["#job/train_head/models/all/0/cpu_s"]["unitCode"].startswith("https://qudt.org")
    rules = {one["instrument"]["@id"] for one in jobs.values() if "instrument" in one}
    expected = (
        *("inspect_slides", "tile_slides", "split_patients", "train_head", "segment_slides"),
        *("map_regions", "collect_areas"),
    )
    assert rules == {f"#rule/{name}" for name in expected}


def test_a_changed_table_is_found_and_an_unchanged_study_comes_out_the_same(
    finished, tmp_path, monkeypatch
):
    changed = Study(tmp_path / "changed", finished.config, place=finished.place)
    shutil.copytree(finished.folder, changed.folder, symlinks=True)
    path = changed.results / "areas" / "patients.parquet"
    table = read_table(path)
    number = next(name for name in table if pd.api.types.is_float_dtype(table[name]))
    table.loc[0, number] = 2 * table.loc[0, number] + 1
    write_table(table, path)
    forged = sealed(changed, "forged.crate.zip", monkeypatch)
    new = tmp_path / "new"
    choices = ("--root", finished.folder / "cohort", "--into", new, "--reuse-models")
    choices += tuple(part for table in TABLES for part in ("--only", table))
    done = reproduce(forged, *choices)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "2 tables: 1 identical, 1 differ" in lines
    assert sum(line.startswith("differs: ") for line in lines) == 1
    assert any(line.startswith(f"differs: areas/patients, {number}: 1 of ") for line in lines)
    log = done.stdout + done.stderr
    assert "Job stats" in log and "Learning" not in log
    assert not (new / "results" / "logs" / "train_head").exists()

    done = reproduce(sealed(finished, "right.crate.zip", monkeypatch), *choices)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "networks were taken from the bundle, not trained again" in done.stdout
    assert "2 tables: 2 identical" in done.stdout
    found = pd.read_csv(new / "reproduction.tsv", sep="\t")
    assert set(found["verdict"]) == {"identical"} and set(found["table"]) == set(TABLES)


def test_missing_slides_are_named_in_one_line_and_nothing_runs(bundle, finished, tmp_path):
    cohort = tmp_path / "elsewhere"
    shutil.copytree(finished.folder / "cohort", cohort)
    slides = [cohort / path for path in pd.read_csv(cohort / "slides.tsv", sep="\t")["path"]]
    slides[0].unlink()
    slides[1].write_bytes(b"another")
    done = reproduce(bundle, "--root", cohort, "--into", tmp_path / "new")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and f"1 not there: slides/{slides[0].name}" in line
    assert f"1 there with another content: slides/{slides[1].name}" in line
    assert not (tmp_path / "new" / "results").exists()
