"""A study is written anew from its bundle; what a hostile one says leads nowhere."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
import yaml
from PIL import Image

from histoniche.cohort.study import read_study
from histoniche.errors import InputError
from histoniche.report.inputs import content_of, inputs_of, inputs_table
from histoniche.reproduction.command import Choices, reproduce
from histoniche.reproduction.lineage import Action, following, read_actions
from histoniche.reproduction.locating import Wanted, locate
from histoniche.reproduction.models import (
    check_reusable,
    left_by_training,
    put_models,
    trainings_of,
)
from histoniche.reproduction.rebuilding import read_config, rebuild

from .conftest import CONFIG, PATIENTS, listed


def wanted(name, content="", key="expression.path"):
    return Wanted("config", key, "", name, content)


def told(path):
    return content_of(path)[1]


def test_files_are_found_at_their_place_or_by_name_and_content(tmp_path):
    for name, text in (("a/x.tsv", "1"), ("b/x.tsv", "2"), ("y.tsv", "3")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    one = wanted("y.tsv", told(tmp_path / "y.tsv"))
    other = wanted("old/x.tsv", told(tmp_path / "b/x.tsv"), "mutations.path")
    assert locate([one, other], tmp_path) == {
        one.place: tmp_path / "y.tsv",
        other.place: tmp_path / "b/x.tsv",
    }


def test_missing_and_changed_files_are_named_in_one_line(tmp_path):
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "S2.svs").write_text("changed")
    files = [
        Wanted("slides", "S1", "path", "slides/S1.svs", "sha256:1"),
        Wanted("slides", "S2", "path", "slides/S2.svs", "sha256:2"),
        *(Wanted("slides", f"T{k}", "path", f"T{k}.svs", "") for k in range(20)),
    ]
    with pytest.raises(InputError) as caught:
        locate(files, tmp_path)
    text = str(caught.value)
    assert "of 22 files that the study read, 21 not there: slides/S1.svs (path of S1)" in text
    assert "and 13 more; 1 there with another content: slides/S2.svs (path of S2)" in text
    assert "--root" in text and "\n" not in text


def test_folders_and_large_files_are_told_without_reading_all(tmp_path, monkeypatch):
    store = tmp_path / "labels.zarr"
    (store / "c").mkdir(parents=True)
    (store / "c" / "0").write_bytes(b"12")
    before = told(store)
    assert before.startswith("listed:")
    (store / "c" / "1").write_bytes(b"3")
    assert told(store) != before
    monkeypatch.setattr("histoniche.report.inputs._WHOLE_BYTES", 4)
    (tmp_path / "big").write_bytes(b"12345")
    assert told(tmp_path / "big").startswith("sampled:")


@pytest.fixture
def texts(tmp_path):
    """Configuration and sheets of a study, as its bundle holds them."""
    home = tmp_path / "$data"
    (home / "in").mkdir(parents=True)
    for name in ("in/S1.svs", "in/S1.png", "areas.csv"):
        (home / name).write_text(name)
    Image.new("RGB", (4, 4)).save(home / "in/S1.png")
    settings = {
        **CONFIG,
        "cohort": {"patients": "patients.tsv", "slides": "slides.tsv", "root": "data"},
        "containers": {"imaging": "evil.sif"},
        "weights": "somewhere",
        "sources": {"folder": "data"},
        "results": "elsewhere",
    }
    content = {path: told(home / path) for path in ("in/S1.svs", "in/S1.png", "areas.csv")}
    return home, {
        "config/config.yaml": yaml.safe_dump(settings).encode(),
        "config/patients.tsv": PATIENTS.encode(),
        "config/slides.tsv": (
            b"slide\tpatient\tpath\tannotation\texclude\n"
            b"S1\tP1\tin/S1.svs\tin/S1.png\t\nS2\tP1\tin/S2.svs\t\tpen\n"
        ),
        "config/inputs.tsv": listed(
            ("config", "areas.path", "", "areas.csv", 9, content["areas.csv"]),
            ("slides", "S1", "annotation", "in/S1.png", *content_of(home / "in/S1.png")),
            ("slides", "S1", "path", "in/S1.svs", 9, content["in/S1.svs"]),
        ).encode(),
    }


def test_a_study_is_written_anew_with_the_places_of_today(texts, tmp_path, monkeypatch):
    home, files = texts
    settings = read_config(files["config/config.yaml"])
    assert not {"sources", "containers", "weights"} & set(settings)
    config = rebuild(settings, files, root=home, into=tmp_path / "new")
    monkeypatch.chdir(tmp_path / "new")
    study = read_study(yaml.safe_load(config.read_text()), file="x")
    assert study.config["results"] == "results"
    assert study.config["areas"]["path"] == f"{home}/areas.csv"
    assert list(study.used["path"]) == [f"{home}/in/S1.svs"]
    assert list(study.slides["slide"]) == ["S1", "S2"]
    again = inputs_of(study.config, {"slides": Path(study.config["cohort"]["slides"])})
    contents = {one.path: content_of(one.path) for one in again}
    assert inputs_table(again, contents).encode() == files["config/inputs.tsv"]


HOSTILE = {
    "a key that templates": (
        {"config__config.yaml": yaml.safe_dump({**CONFIG, "__use_yte__": True})},
        "unknown key",
    ),
    "python in the YAML": (
        {"config__config.yaml": "study: !!python/object/apply:os.system ['touch pwned']\n"},
        "not YAML",
    ),
    "aliases": ({"config__config.yaml": "study: &a {name: s}\nareas: *a\n"}, "not a plain"),
    "nested without end": ({"config__config.yaml": "[" * 100_000}, "not a plain"),
    "a file that is not listed": ({"config__inputs.tsv": listed()}, "does not list this file"),
    "a listed name that climbs": (
        {"config__inputs.tsv": listed(("config", "areas.path", "", "../../etc/passwd", 1, ""))},
        "not a name that can be looked for",
    ),
    "a listed name from the root": (
        {"config__inputs.tsv": listed(("config", "areas.path", "", "/etc/passwd", 1, ""))},
        "not a name that can be looked for",
    ),
    "no list": ({"config__inputs.tsv": "x\n"}, "not a list of inputs"),
    "a palette elsewhere": (
        {"config__config.yaml": yaml.safe_dump({**CONFIG, "palette": "../../../etc/passwd"})},
        "does not list this file",
    ),
    "a slide that climbs": (
        {
            "config__config.yaml": yaml.safe_dump(
                {**CONFIG, "cohort": {"patients": "p", "slides": "s"}}
            ),
            "config__slides.tsv": "slide\tpatient\tpath\nS1\tP1\t../../secret.svs\n",
        },
        "not a name that can be looked for",
    ),
    "rows of other lengths": ({"config__patients.tsv": "a\tb\nc\n"}, "another number of cells"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_bundles_are_refused_in_one_line_and_write_nothing_else(
    bundle_of, tmp_path, monkeypatch, case
):
    changes, words = HOSTILE[case]
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "areas.csv").write_text("a,b")
    monkeypatch.chdir(tmp_path / "root")
    before = {*tmp_path.rglob("*")}
    bundle = bundle_of(**changes)
    choices = Choices(root=Path(), into=tmp_path / "new")
    with pytest.raises(InputError, match=words) as caught:
        reproduce(bundle, choices)
    assert "\n" not in str(caught.value)
    new = {*tmp_path.rglob("*")} - before - {bundle}
    assert all(path.is_relative_to(tmp_path / "new") for path in new)
    assert not (tmp_path / "new" / "results").exists()


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "config/../../evil.txt"])
def test_bundles_with_members_that_climb_are_refused(bundle_of, tmp_path, name):
    bundle = bundle_of()
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr(name, "evil")
    with pytest.raises(InputError, match="not as it was sealed"):
        reproduce(bundle, Choices(root=tmp_path, into=tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_altered_bundles_are_not_run(bundle_of, tmp_path):
    bundle = bundle_of()
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    with pytest.raises(InputError, match="not as it was sealed"):
        reproduce(bundle, Choices(root=tmp_path, into=tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_else_is_left_alone(bundle_of, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "thesis.docx").write_text("x")
    with pytest.raises(InputError, match="holds something else"):
        reproduce(bundle_of(), Choices(root=tmp_path, into=tmp_path / "new"))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["thesis.docx"]


def test_networks_go_where_their_training_leaves_them(tmp_path):
    places = {
        "models/all/0/model.json": "models/all/0/model.json",
        "models/imaging/3/history.tsv": "imaging/models/3/history.tsv",
        "models/slide_signature/0/model.safetensors": "slide_signature/models/0/model.safetensors",
        "models/traits/idh/2/augmented.png": "traits/idh/2/augmented.png",
        "models/traits/idh/choice.parquet": None,
        "areas/patients.parquet": None,
    }
    assert {name: left_by_training(name) for name in places} == places
    assert put_models([("models/all/0/model.json", b"1")], tmp_path) == 1
    put_models([("models/all/0/model.json", b"2")], tmp_path)
    assert (tmp_path / "models/all/0/model.json").read_bytes() == b"1"


def test_networks_that_were_searched_for_are_not_reused():
    with pytest.raises(InputError, match="chosen among trials"):
        check_reusable({"segmentation": {"tuning": {"trials": 3}}})
    check_reusable({"segmentation": {}})


def test_trainings_are_those_that_the_bundle_tells_of():
    job = Action("train_risk", frozenset(), frozenset())
    left = ["models/imaging/0/model.json", "models/imaging/0/history.parquet"]
    assert trainings_of([job, Action("draw", frozenset(), frozenset())], left) == ["train_risk"]
    assert trainings_of([], left[:1]) == []
    with pytest.raises(InputError, match="does not tell what trained it"):
        trainings_of([], left)


def test_what_follows_from_a_network_follows_through_files_of_any_number():
    def action(rule, inputs, outputs):
        return {
            "@id": f"#job/{rule}",
            "@type": "CreateAction",
            "instrument": {"@id": f"#rule/{rule}"},
            "object": [{"@id": name} for name in inputs],
            "result": [{"@id": name} for name in outputs],
        }

    graph = [
        action("draw", ["areas/a%20b.tsv"], ["figures/f.svg"]),
        action("collect", ["#file/maps"], ["areas/a b.tsv"]),
        action("train", ["cohort/split.tsv"], ["#file/maps"]),
        action("split", [], ["cohort/split.tsv"]),
        {"@id": "#run", "@type": "CreateAction", "instrument": {"@id": "workflow/Snakefile"}},
    ]
    actions = read_actions(json.dumps({"@graph": graph}).encode())
    assert following(actions, {"train"}) == {"#file/maps", "areas/a b.tsv", "figures/f.svg"}
    assert following(actions, set()) == set()


@pytest.mark.parametrize("text", [b"", b"[]", b'{"@graph": 3}', b'{"@graph": [3, {"@id": {}}]}'])
def test_descriptions_that_tell_nothing_tell_of_no_job(text):
    assert read_actions(text) == []


def test_content_of_a_small_file_is_its_digest(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert content_of(tmp_path / "x") == (3, f"sha256:{hashlib.sha256(b'abc').hexdigest()}")
