"""The bundle: whole, described, without anything private, and the same every time."""

import json
import re
import zipfile
from pathlib import Path

import pytest
import yaml
from rocrate.rocrate import ROCrate

from histoniche.report.bundle import seal_bundle
from histoniche.report.inputs import cleaned_sheet
from histoniche.report.listing import METADATA
from histoniche.report.redaction import cleaned_settings, named_place
from histoniche.report.verify import verify_bundle

STORE = "regions/HN-001-A/map.ome.zarr"


@pytest.fixture
def sealed(make_results, tmp_path, monkeypatch):
    """Seals a bundle of fresh results that a test may have changed before."""
    results = make_results()
    home = tmp_path / "home" / "jo"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "slides.tsv").write_text(
        "slide\tpatient\tpath\tannotation\ttissue_mask\tsite\n"
        f"HN-001-A\tHN-001\t{home}/a.svs\t{home}/a.png\t\tcentre 1\n"
    )
    (tmp_path / "patients.tsv").write_text("patient\ttime\tevent\nHN-001\t300\t1\n")
    checkout = tmp_path / "checkout"
    (checkout / "workflow" / "rules").mkdir(parents=True)
    (checkout / "Snakefile").write_text("rule all:\n    input: []\n")
    (checkout / "workflow" / "rules" / "one.smk").write_text("# one\n")

    def make(name="b.crate.zip", sheets=("slides", "patients"), **settings):
        tables = [path for path in results.files.values() if isinstance(path, Path)]
        pictures = [results.files[kind] for kind in ("overlays", "maps", "outlines")]
        out = tmp_path / name
        seal_bundle(
            [
                *tables,
                *(path.with_suffix(".tsv") for path in tables),
                *(path for kind in pictures for path in kind),
            ],
            out,
            root=results.root,
            models={
                f"all/0/{name}": results.root / "models" / "all" / "0" / name
                for name in ("model.json", "model.safetensors")
            },
            sheets={name: tmp_path / f"{name}.tsv" for name in sheets},
            workflow=[checkout / "Snakefile", checkout / "workflow" / "rules" / "one.smk"],
            settings={**results.settings, **settings},
        )
        return out

    make.results = results
    return make


def content(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_bundle_holds_results_models_stores_config_sheets_and_workflow(sealed):
    names = set(content(sealed()))
    assert {
        *("survival/cox.parquet", "survival/cox.tsv", "cohort/split.tsv"),
        *("models/all/0/model.json", "models/all/0/model.safetensors"),
        *(f"{STORE}/zarr.json", f"{STORE}/0/c/0/0", "regions/HN-001-A/regions.geojson"),
        *("config/config.yaml", "config/slides.tsv", "config/patients.tsv", "run.json"),
        *("workflow/Snakefile", "workflow/workflow/rules/one.smk"),
        *("README.md", METADATA, "checksums.sha256", "seal.sha256"),
    } <= names
    assert not any(name.endswith(".snakemake_timestamp") for name in names)


def test_bundle_is_intact_and_every_listed_digest_is_right(sealed):
    import hashlib

    path = sealed()
    assert verify_bundle(path) == []
    files = content(path)
    listed = dict(
        reversed(line.split("  ", 1)) for line in files["checksums.sha256"].decode().splitlines()
    )
    assert set(listed) == set(files) - {"checksums.sha256", "seal.sha256"}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for name, digest in listed.items())


def test_bundle_is_the_same_every_time(sealed):
    assert sealed("1.zip").read_bytes() == sealed("2.zip").read_bytes()


def test_times_inside_are_fixed_and_the_date_is_the_results_or_the_given_one(sealed, monkeypatch):
    with zipfile.ZipFile(sealed()) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    metadata = json.loads(content(sealed())[METADATA])
    root = next(entity for entity in metadata["@graph"] if entity["@id"] == "./")
    assert root["datePublished"] == "1970-01-02"


def test_no_path_leaves_the_house(sealed, tmp_path):
    files = content(sealed())
    config, slides = files["config/config.yaml"].decode(), files["config/slides.tsv"].decode()
    assert "path: counts.tsv.gz" in config and "hallmark: gene_sets.gmt" in config
    assert "unit: mg/l" in config
    assert slides == (
        "slide\tpatient\tpath\tannotation\ttissue_mask\tsite\n"
        "HN-001-A\tHN-001\ta.svs\ta.png\t\tcentre 1\n"
    )
    assert not any(str(tmp_path).encode() in data for data in files.values())


def test_cell_types_keep_their_slash_and_files_of_cells_lose_their_folder():
    blocks = {
        "single_cell": {"cells": {"P1": "/data/p1/tenx"}},
        "ligand_receptor": {"pairs": "/data/lrdb.tsv", "receivers": ["Microglia/Macrophage"]},
    }
    text = cleaned_settings(blocks)
    assert "P1: tenx" in text and "pairs: lrdb.tsv" in text
    assert "- Microglia/Macrophage" in text and "/data" not in text


def test_classes_keep_their_slash_and_their_order():
    labels = {"column": "IDH/codel", "classes": {"wild": ["wt"], "mutant": ["II/III"]}}
    traits = {
        "named": {
            "idh": {"labels": labels, "training": {"encoder_weights": "/data/w.safetensors"}}
        },
        "pretrained": "/data/models",
    }
    text = cleaned_settings({"traits": traits})
    read = yaml.safe_load(text)["traits"]
    assert list(read["named"]["idh"]["labels"]["classes"]) == ["wild", "mutant"]
    assert read["named"]["idh"]["labels"] == labels
    assert read["named"]["idh"]["training"] == {"encoder_weights": "w.safetensors"}
    assert "/data" not in text


def test_columns_that_nothing_reads_stay_at_home(tmp_path):
    sheet = tmp_path / "patients.tsv"
    sheet.write_text("patient\tname\tmgmt\tage\nP1\tJane Doe\tyes\t61\n")
    covariates = {"age": {"type": "numeric"}}
    labels = {"column": "mgmt", "of": "patients", "classes": ["no", "yes"]}
    traits = {"named": {"mgmt": {"labels": labels}}, "rounds": {"stratify": []}}
    settings = {"cohort": {"covariates": covariates}, "traits": traits}
    kept = cleaned_sheet(sheet, "patients", settings)
    assert kept == "patient\tmgmt\tage\nP1\tyes\t61\n"


@pytest.mark.parametrize("place", ["home", "cwd", "config"])
def test_a_file_that_names_a_private_folder_is_refused_and_nothing_is_left(sealed, tmp_path, place):
    private = {
        "home": f"{tmp_path}/home/jo/x.svs",
        "cwd": f"{Path.cwd()}/x.svs",
        "config": "/data/clinic/x.svs",
    }[place]
    report = sealed.results.root / "survival" / "cox.tsv"
    report.write_text(f"note\nread from {private}\n")
    with pytest.raises(RuntimeError, match=r"not sealed: survival/cox\.tsv names the folder"):
        sealed("x.zip", areas={"path": "/data/clinic/areas.csv", "columns": {}}, cohort={})
    assert not (tmp_path / "x.zip").exists() and not list(tmp_path.glob(".x*"))


def test_folders_count_as_named_only_where_their_whole_path_stands():
    places = ["/root", "/work/main"]
    for text in (
        b"</root>",
        b"a/root/b",
        b"https://x.org/root",
        b"/rooted",
        b"/root-x",
        b"/work/mainly",
    ):
        assert named_place(text, places) is None, text
    for text in (b"/root/x", b"'/root'", b"=/root ", b"/work/main/y", b"/root"):
        assert named_place(text, places), text


def test_unsafe_names_are_not_sealed(sealed):
    (sealed.results.root / STORE / "a\nb").write_text("x")
    with pytest.raises(RuntimeError, match="not safe"):
        sealed()


def test_crate_is_read_by_another_reader_and_describes_every_file(sealed, tmp_path):
    path = sealed()
    folder = tmp_path / "crate"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    crate = ROCrate(folder)
    assert crate.name == "Regions of <forty> tumours"
    assert [person["name"] for person in crate.creator] == ["Ada Author", "Ben Buddy"]
    assert crate.get("#seed")["value"] == "7"
    assert crate.license.id == "https://spdx.org/licenses/CC-BY-4.0"
    assert crate.mainEntity.id == "workflow/Snakefile"
    assert "ComputationalWorkflow" in crate.mainEntity.type
    for name in content(path):
        if ".zarr/" in name or name == METADATA:
            continue
        entity = crate.get(name)
        assert entity["description"] and re.fullmatch(r"\w+/[\w.+-]+", entity["encodingFormat"]), (
            name
        )
    assert crate.get(f"{STORE}/")["description"].startswith("Region map of slide HN-001-A")
    run = crate.get("#run")
    assert run["instrument"].id == "workflow/Snakefile"
    assert {part.id for part in run["object"]} == {
        *("config/config.yaml", "config/slides.tsv", "config/patients.tsv", "config/inputs.tsv"),
        "#seed",
    }
    assert "survival/cox.tsv" in {part.id for part in run["result"]}


def test_every_reference_of_the_metadata_leads_somewhere(sealed):
    graph = json.loads(content(sealed())[METADATA])["@graph"]
    ids = {entity["@id"] for entity in graph}
    assert len(ids) == len(graph)
    references = re.findall(r'\{"@id": "([^"]+)"\}', json.dumps(graph))
    outside = {name for name in references if name not in ids}
    assert all(name.startswith("http") for name in outside)


def test_crates_without_licence_authors_and_slides_say_so(sealed):
    study = {"name": "s", "title": "T", "description": "", "authors": [], "license": ""}
    path = sealed(study=study, sheets=("patients",))
    root = next(
        entity for entity in json.loads(content(path)[METADATA])["@graph"] if entity["@id"] == "./"
    )
    assert root["license"] == "No licence is stated." and "creator" not in root
    assert root["description"] and verify_bundle(path) == []


def test_versions_and_seed_are_recorded(sealed):
    run = json.loads(content(sealed())["run.json"])
    assert run["seed"] == 7 and {"histoniche", "python", "numpy"} <= set(run["versions"])
