"""Slides of a public cohort: fetched by local rules as they are needed, or passed through."""

import shutil

import pandas as pd
import pytest

from histoniche.cohort.sources.decisions import Flow
from histoniche.cohort.sources.derivation_list import write_derived
from histoniche.cohort.sources.records import read_wanted, write_wanted
from histoniche.cohort.sources.remote import Remote
from histoniche.cohort.sources.streaming import stream
from histoniche.errors import InputError
from histoniche.omics.maf import read_maf
from source_server import File, cut, serving, status
from source_services import maf, star_counts
from study import CHECKOUT, CORES, Study

SUFFIX = ".rna_seq.augmented_star_gene_counts.tsv"


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def public(server, small_cohort, small_config, tmp_path):
    """A study of three slides that a server has, and nobody else."""
    folder = tmp_path / "study" / "public"
    folder.mkdir(parents=True)
    slides = pd.read_csv(small_cohort / "slides.tsv", sep="\t", dtype=str).head(3)
    remotes, places = [], []
    for number, path in enumerate(slides["path"]):
        content = (small_cohort / path).read_bytes()
        file = server.files[f"/data/{number}"] = File(content)
        place = f"slides/{number}/{path.rpartition('/')[2]}"
        places.append(place)
        url = f"{server.base}/data/{number}"
        remotes.append(Remote(place, url, len(content), file.md5))
    write_wanted(remotes, folder)
    # Nothing is annotated: whoever has a finished model applies it to such slides.
    columns = ["slide", "patient", "path", "mpp"]
    slides = slides.assign(path=places)
    slides[[name for name in columns if name in slides]].to_csv(
        folder / "slides.tsv", sep="\t", index=False
    )
    flow = Flow()
    flow.kept("Slides used", patients=3, slides=3)
    flow.count_table().to_csv(folder / "flow.tsv", sep="\t", index=False)
    flow.decision_table().to_csv(folder / "decisions.tsv", sep="\t", index=False)
    (folder / "rules.txt").write_text("As they come.\n")
    shutil.copy(small_cohort / "patients.tsv", folder / "patients.tsv")
    cohort = {"slides": "public/slides.tsv", "patients": "public/patients.tsv", "root": "public"}
    config = {key: small_config[key] for key in ("study", "results", "tilings")}
    config |= {"cohort": cohort, "sources": {"folder": "public"}}
    return Study(folder.parent, config)


def there(study):
    return sorted(path.name for path in (study.folder / "public/slides").rglob("*.*"))


def sent(server):
    return {path: server.sent(path) for path in server.files}


def tiled(study):
    return len(list((study.results / "tiles/region").glob("*.zarr/zarr.json")))


def test_slides_are_fetched_as_jobs_need_them(public, server):
    server.files["/data/1"].faults.append(cut(50_000))
    public.run("--until", "tile_slides", "describe_cohort")
    assert tiled(public) == 3 == len(there(public))
    assert sent(server) == {path: len(file.content) for path, file in server.files.items()}
    fetched = pd.read_csv(public.results / "cohort/fetched.tsv", sep="\t")
    assert fetched["md5"].tolist() == [server.files[f"/data/{k}"].md5 for k in range(3)]
    assert (public.results / "figures/cohort_flow.svg").is_file()
    # What is tiled does not miss its slide, and another size of tiles has it fetched again.
    shutil.rmtree(public.folder / "public/slides")
    assert {"fetch_slide", "inspect_slides", "tile_slides"}.isdisjoint(public.planned())
    planned = public.planned(tilings={"region": {"mpp": 8, "size": 64}})
    assert planned["fetch_slide"] == planned["tile_slides"] == 3


def test_slides_pass_through_some_at_a_time(public, server, monkeypatch):
    public.config["sources"]["keep_slides"] = False
    path = public.write_config()
    monkeypatch.chdir(public.folder)
    arguments = ["--snakefile", str(CHECKOUT / "Snakefile"), "--cores", CORES]
    arguments += ["--workflow-profile", str(CHECKOUT / "workflow/profiles/default")]
    assert stream([path], arguments, slides_at_once=2) == 3
    assert tiled(public) == 3 and there(public) == []
    assert sent(server) == {path: len(file.content) for path, file in server.files.items()}
    # The run that follows finds its tiles, and no step that would want a slide.
    assert {"fetch_slide", "inspect_slides", "tile_slides"}.isdisjoint(public.planned())
    server.seen.clear()
    assert stream([path], arguments, slides_at_once=2) == 0 and server.seen == []
    # Another size of tiles wants the slides again, which a run by itself says in one line.
    public.config["tilings"] = {"region": {"mpp": 8, "size": 64}}
    failed = public.run("--until", "tile_slides", succeed=False)
    said = [line for line in (failed.stdout + failed.stderr).splitlines() if "removed" in line]
    assert "histoniche stream" in said[0] and "Traceback" not in failed.stderr
    assert stream([path], arguments, slides_at_once=16) == 3 and there(public) == []
    assert sent(server) == {path: len(file.content) for path, file in server.files.items()}


def test_tables_are_fetched_before_they_are_read(public, server):
    folder = public.folder / "public"
    contents = {f"expression/{k}/{k}{SUFFIX}": star_counts(k) for k in range(3)}
    contents |= {f"mutations/{k}/{k}.maf.gz": maf(f"TCGA-02-000{k}-01A", "TP53") for k in range(2)}
    remotes = read_wanted(folder / "files.tsv")
    for number, (place, content) in enumerate(contents.items()):
        file = server.files[f"/tables/{number}"] = File(content)
        address = f"{server.base}/tables/{number}"
        remotes.append(Remote(place, address, len(content), file.md5))
    write_wanted(remotes, folder)
    sources = [place for place in contents if place.startswith("mutations")]
    write_derived([{"make": "maf", "from": sources, "to": "mutations.maf.gz"}], folder)
    (folder / "expression").mkdir()
    (folder / "expression" / "gdc_sample_sheet.tsv").write_text("File ID\tFile Name\n")
    public.config["expression"] = {"path": "public/expression", "unit": "counts"}
    public.config["mutations"] = {"path": "public/mutations.maf.gz"}
    server.files["/tables/1"].faults.append(status(404))
    record = f"{public.config['results']}/sources/expression.json"
    targets = [record, "public/mutations.maf.gz"]
    failed = public.run("--", *targets, succeed=False)
    assert "1 of 3 files could not be fetched" in failed.stdout + failed.stderr
    public.run("--", *targets)
    # What came before the failure was not fetched again.
    assert all(server.sent(f"/tables/{k}") == len(c) for k, c in enumerate(contents.values()))
    assert len(read_maf(folder / "mutations.maf.gz", silent=[]).table) == 2
    planned = public.planned(f"{public.config['results']}/omics/expression.parquet")
    assert "fetch_expression" not in planned and planned["prepare_expression"] == 1


def test_a_study_that_keeps_its_slides_is_not_passed_through(public, monkeypatch):
    monkeypatch.chdir(public.folder)
    with pytest.raises(InputError, match="keep_slides to false"):
        stream([public.write_config()], [], slides_at_once=2)
