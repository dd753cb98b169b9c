"""Steps of a run in the bundle: true to Snakemake's records, within the profile, and private."""

import hashlib
import io
import json
import re
import socket
import time
import zipfile
from pathlib import Path

import pytest
from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

from histoniche.report.bundle import seal_bundle
from histoniche.report.listing import METADATA
from histoniche.report.provenance import Job, Provenance, slides_declared_as, trace
from histoniche.report.steps import Steps, describe_steps
from histoniche.report.verify import verify_bundle
from histoniche.report.versions import commit_of

START = 1_700_000_000.0
LONG = f"results/deep/{'x' * 120}/{'y' * 120}.tsv"
"""Too long for the name of one file, so that Snakemake cuts its record's name."""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study in its working directory, with records that Snakemake itself wrote."""
    home = tmp_path / "home" / "jo"
    (home / "study" / "checkout").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "study")
    files = {
        "checkout/Snakefile": "rule all:\n",
        "imaging.lock": "zarr==3\n",
        "image.sif": "an image",
        "patients.tsv": "patient\ttime\tevent\nP1\t3\t1\n",
        "slides.tsv": f"slide\tpatient\tpath\nS1\tP1\t{home}/slides/S1.svs\n",
        "results/areas/patients.tsv": "patient\nP1\n",
        "results/regions/S1/overlay.png": "png",
        "results/regions/S1/map.ome.zarr/zarr.json": "{}",
        "results/regions/S1/map.ome.zarr/0/c": "pixels",
        "results/regions/.batches/b-1.json": '{"slides": {"S1": "d"}}',
        "results/benchmarks/map_regions/b-1.tsv": "s\tmax_rss\tcpu_time\n3.5\t100.25\tNA\n",
        LONG: "x\n1\n",
        str(home / "slides" / "S1.svs"): "a slide",
    }
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    return Run(home, FilePersistence(path=Path(".snakemake")))


SETTINGS = {
    "study": {"name": "s", "title": "A study"},
    "seed": 3,
    "results": "results",
    "cohort": {"slides": "slides.tsv", "patients": "patients.tsv", "root": "."},
}


class Run:
    """Writes records and seals bundles."""

    def __init__(self, home, persistence):
        self.home = home
        self.persistence = persistence
        slide = f"{home}/slides/S1.svs"
        image = f"{home}/study/image.sif"
        self.record(
            "results/regions/.batches/b-1.json",
            rule="map_regions",
            input=[slide],
            params=[repr({"codes": ["a"], "path": slide}), "'v1'", "<object at 0x7>"],
            log=["results/logs/map_regions/b-1.log"],
            container_img_url=image,
            software_stack_hash=hashlib.md5(image.encode()).hexdigest(),
        )
        self.record(
            "results/areas/patients.tsv",
            rule="collect_areas",
            input=["results/regions/.batches/b-1.json", "patients.tsv"],
            params=[f"'note for {home}/study/x, see {home}'"],
            log=["results/logs/collect_areas.log"],
            container_img_url=image,
            software_stack_hash=hashlib.md5(b"").hexdigest(),
            starttime=START + 10,
            endtime=START + 12.5,
        )
        self.record(LONG, rule="unasked", log=["results/logs/unasked.log"], input=[])

    def record(self, path, **told):
        record = MetadataRecord(**{"starttime": START, "endtime": START + 2, **told})
        self.persistence._write_record(path, record)

    def trace(self, *results):
        stages = [{"folder": "results/regions", "records": ".batches"}]
        stages[0]["results"] = ["{slide}/map.ome.zarr/zarr.json", "{slide}/overlay.png"]
        manifests = [Path("results/regions/.batches/b-1.json")]
        return trace(
            results,
            records=Path(".snakemake/metadata"),
            logs=Path("results/logs"),
            benchmarks=Path("results/benchmarks"),
            declared_as=slides_declared_as(manifests, stages),
        )

    def seal(self, name="b.crate.zip", **changes):
        files = [
            "results/areas/patients.tsv",
            "results/regions/S1/overlay.png",
            "results/regions/S1/map.ome.zarr/zarr.json",
        ]
        seal_bundle(
            [Path(file) for file in files],
            Path(name),
            **{
                "root": Path("results"),
                "models": {},
                "sheets": {sheet: Path(f"{sheet}.tsv") for sheet in ("patients", "slides")},
                "workflow": [Path("checkout/Snakefile")],
                "settings": SETTINGS,
                "locks": [Path("imaging.lock")],
                "provenance": self.trace(*files),
                "environments": {"map_regions": "imaging", "unasked": "analysis"},
                **changes,
            },
        )
        return Path(name)


def content(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def graph_of(path):
    return {one["@id"]: one for one in json.loads(content(path)[METADATA])["@graph"]}


def ids(references):
    return [one["@id"] for one in references]


def test_jobs_are_followed_back_through_manifests_to_the_sources(study):
    found = study.trace("results/areas/patients.tsv", "results/regions/S1/overlay.png")
    assert list(found.jobs) == ["collect_areas", "map_regions/b-1"]
    assert found.made_by == {
        "results/areas/patients.tsv": "collect_areas",
        "results/regions/.batches/b-1.json": "map_regions/b-1",
        "results/regions/S1/overlay.png": "map_regions/b-1",
    }
    assert found.sources == [f"{study.home}/slides/S1.svs", "patients.tsv"]
    job = found.jobs["map_regions/b-1"]
    assert job.usage == {"wall_s": 3.5, "memory_mib": 100.25}
    assert (job.started, job.ended) == (START, START + 2)
    assert job.parameters[1:] == ["v1", "<object at 0x7>"]


def test_long_names_are_found_as_snakemake_keeps_them(study):
    assert study.trace(LONG).jobs["unasked"].rule == "unasked"


def test_containers_count_only_for_jobs_that_ran_in_them(study):
    jobs = study.trace("results/areas/patients.tsv").jobs
    assert jobs["map_regions/b-1"].image == f"{study.home}/study/image.sif"
    assert jobs["collect_areas"].image is None


@pytest.mark.parametrize("harm", ["gone", "cut", "not a record"])
def test_what_no_record_tells_stays_unknown(study, harm):
    for file in Path(".snakemake/metadata").rglob("*"):
        if file.is_file():
            if harm == "gone":
                file.unlink()
            else:
                file.write_text('{"rule": "map' if harm == "cut" else "[1]")
    assert study.trace("results/areas/patients.tsv").jobs == {}
    path = study.seal()
    assert verify_bundle(path) == []
    assert not any(name.startswith("#job") for name in graph_of(path))


def test_crate_names_for_each_output_rule_inputs_parameters_times_size_and_digest(study):
    graph = graph_of(study.seal())
    areas = graph["areas/patients.tsv"]
    assert areas["contentSize"] == "11"
    assert areas["sha256"] == hashlib.sha256(b"patient\nP1\n").hexdigest()
    job = graph["#job/collect_areas"]
    assert ids(job["result"]) == ["areas/patients.tsv"]
    assert job["instrument"]["@id"] == "#rule/collect_areas"
    assert ids(job["object"])[:2] == ["#file/regions/.batches/b-1.json", "config/patients.tsv"]
    assert job["startTime"] == "2023-11-14T22:13:30.000+00:00"
    assert job["endTime"] == "2023-11-14T22:13:32.500+00:00"
    mapped = graph["#job/map_regions/b-1"]
    assert "regions/S1/map.ome.zarr/" in ids(mapped["result"])
    assert graph["regions/S1/map.ome.zarr/"]["contentSize"] == "8"
    assert graph["#job/map_regions/b-1/wall_s"]["value"] == "3.5"
    slide = graph["#file/S1.svs"]
    assert slide["sha256"] == hashlib.sha256(b"a slide").hexdigest()
    image = graph[mapped["containerImage"]["@id"]]
    assert image["sha256"] == hashlib.sha256(b"an image").hexdigest()
    environment = graph["#rule/map_regions"]["softwareRequirements"]["@id"]
    assert graph[environment]["softwareRequirements"]["@id"] == "envs/imaging.lock"
    assert graph["#run"]["endTime"] == job["endTime"]
    assert graph["workflow/Snakefile"]["identifier"] == "commit unknown"


def test_who_ran_it_is_named_where_the_configuration_says_so_and_nobody_else(study):
    by = {**SETTINGS, "study": {**SETTINGS["study"], "run_by": "Core facility"}}
    graph = graph_of(study.seal("named.zip", settings=by))
    agents = {one["@id"] for one in graph.values() if "agent" in one}
    jobs = {name for name in graph if name.startswith("#job/") and "instrument" in graph[name]}
    assert agents == {"#run", "#organize", *jobs} and len(jobs) == 2
    assert graph["#run"]["agent"] == {"@id": "#organisation"}
    assert graph["#organisation"]["@type"] == "Organization"
    assert graph["#organisation"]["name"] == "Core facility"
    silent = graph_of(study.seal())
    assert not any("agent" in one for one in silent.values())
    assert "#organisation" not in silent


def test_inputs_of_one_name_stay_two(study):
    other = f"{study.home}/other/S1.svs"
    study.record("results/areas/patients.tsv", rule="both", input=[other, f"{study.home}/S1.svs"])
    graph = graph_of(study.seal())
    assert ids(graph["#job/both"]["object"]) == ["#file/S1.svs%20%282%29", "#file/S1.svs"]


def test_nothing_private_is_in_any_text_of_the_bundle(study):
    inside = content(study.seal())
    for name, data in inside.items():
        for word in (str(study.home), "home/jo", "/jo", socket.gethostname() + ":"):
            assert word.encode() not in data, (name, word)
    texts = [one["value"] for key, one in graph_of(study.seal()).items() if "#parameter" in key]
    assert '{"codes": ["a"], "path": "S1.svs"}' in texts
    assert '"note for .../x, see ..."' in texts


def test_the_same_run_gives_the_same_bytes(study):
    assert study.seal("1.zip").read_bytes() == study.seal("2.zip").read_bytes()


def test_all_references_within_the_crate_lead_somewhere(study):
    graph = graph_of(study.seal())
    references = re.findall(r'\{"@id": "([^"]+)"\}', json.dumps(list(graph.values())))
    assert {name for name in references if name not in graph and name[:4] != "http"} == set()


def test_description_grows_with_the_run_and_no_faster():
    def described(number):
        jobs = {
            f"tile/{k}": Job(
                rule="tile",
                name=f"tile/{k}",
                inputs=[f"in/{k}"],
                parameters=[{"slides": "s" * 10_000, "batch": k}, {"size": 512}],
                started=START,
                ended=START + k,
                image=None,
                checksums={},
                usage={"wall_s": 1.0},
                outputs=[f"out/{k}"],
            )
            for k in range(number)
        }
        made_by = {f"out/{k}": f"tile/{k}" for k in range(number)}
        jobs["sum"] = Job(
            "sum", "sum", sorted(made_by), [], START, START, None, {}, {}, ["areas/patients.tsv"]
        )
        names = {path: path for job in jobs.values() for path in (*job.inputs, *job.outputs)}
        graph = [
            {"@id": "workflow/Snakefile", "@type": ["File"]},
            {"@id": "#run", "object": []},
            {"@id": "./"},
        ]
        started = time.process_time()
        describe_steps(Steps(Provenance(jobs, made_by), names=names, cleaned=json.dumps), graph)
        return len(json.dumps(graph)), time.process_time() - started

    few, _ = described(2_000)
    many, seconds = described(20_000)
    assert many < 10.5 * few and many / 20_000 < 4_000
    assert seconds < 20


def test_log_and_benchmark_of_every_rule_share_a_name(checkout):
    seen = 0
    for file in (checkout / "workflow" / "rules").glob("*.smk"):
        pairs = re.findall(r'log:\s*f?"(.+?)",\s*benchmark:\s*f?"(.+?)"', file.read_text())
        for log, benchmark in pairs:
            name = log.removeprefix("<logs>").removesuffix(".log")
            assert name == benchmark.removeprefix("<benchmarks>").removesuffix(".tsv"), file
        seen += len(pairs)
    assert seen > 100


def test_commits_are_read_with_git_and_without(checkout, tmp_path, monkeypatch):
    assert commit_of(tmp_path) == "unknown"
    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack\n{'a' * 40} refs/heads/main\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(tmp_path) == "a" * 40
    (git / "refs" / "heads" / "main").write_text(f"{'b' * 40}\n")
    assert commit_of(tmp_path) == "b" * 40


def validated(folder, tmp_path):
    """Faults that CRS4's validator finds by the REQUIRED rules of the profile, without network."""
    pytest.importorskip("rocrate_validator", reason="envs/crate.lock is not installed")
    import requests
    import urllib3
    from rocrate_validator import models, services
    from rocrate_validator.utils.http import HttpRequester

    settings = models.ValidationSettings(
        rocrate_uri=models.URI(str(folder)),
        profile_identifier="provenance-run-crate-0.5",
        requirement_severity="REQUIRED",
        offline=True,
        cache_path=tmp_path / "cache",
    )
    # Of the terms of https://w3id.org/ro/crate/1.1/context those that bundles use.
    terms = Path(__file__).with_name("ro_crate_1_1_terms.json").read_bytes()
    response = requests.Response()
    response.status_code = 200
    response.url = "https://w3id.org/ro/crate/1.1/context"
    response.headers["Content-Type"] = "application/ld+json"
    response._content = terms
    accepted = {"Accept": "application/ld+json, application/json"}
    response.request = requests.Request("GET", response.url, headers=accepted).prepare()
    response.raw = urllib3.HTTPResponse(body=io.BytesIO(terms), preload_content=False, status=200)
    HttpRequester().session.cache.save_response(response)
    found = services.validate(settings)
    assert found.passed() == (not found.get_issues())
    return [issue.message for issue in found.get_issues()]


def test_crates_keep_to_the_profile_and_the_validator_sees_when_they_do_not(study, tmp_path):
    with zipfile.ZipFile(study.seal()) as archive:
        archive.extractall("crate")
    assert validated(Path("crate").resolve(), tmp_path) == []
    metadata = Path("crate", METADATA)
    described = json.loads(metadata.read_text())
    for entity in described["@graph"]:
        if entity["@type"] == "HowToStep":
            del entity["workExample"]
    metadata.write_text(json.dumps(described))
    faults = validated(Path("crate").resolve(), tmp_path)
    assert any("corresponding tool via workExample" in fault for fault in faults)
