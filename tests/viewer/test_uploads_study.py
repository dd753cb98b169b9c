"""The study of an upload, its stages, the queue, and how long uploads are kept."""

import sqlite3
import time

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from histoniche.cli import app
from histoniche.cohort.config import check_config
from histoniche.errors import InputError
from histoniche.tables import write_table
from histoniche.viewer.uploads.chunks import slide_file
from histoniche.viewer.uploads.desk import LOG, Options, open_desk
from histoniche.viewer.uploads.limits import Limits
from histoniche.viewer.uploads.retention import expire
from histoniche.viewer.uploads.runner import Place, why_left_out
from histoniche.viewer.uploads.stages import progress_of
from histoniche.viewer.uploads.store import Store, Upload
from histoniche.viewer.uploads.study import plan_study
from upload_desk import CONFIG, add_model, make_desk, write_run

UPLOAD = Upload("u1", "a.svs", ".svs", 5, 4, None, "queued", "", 0.0, 0.0)


def plan(folder, **changes):
    return plan_study(*write_run(folder, {**CONFIG, **changes}))


@pytest.fixture
def desk(tmp_path):
    desk = make_desk(tmp_path / "run", tmp_path / "uploads")
    yield desk
    desk.stop()


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "queue.sqlite")
    yield store
    store.close()


def add(store, name="a.svs", most=99):
    return store.add(name, suffix=".svs", size=10, chunk=4, mpp=None, most=most)


def test_models_and_settings_are_the_runs_and_nothing_is_trained(tmp_path, monkeypatch):
    palette = tmp_path / "own.tsv"
    rows = ("label\tregion\tname\tcolour", "0\tBG\tBackground\t#FFFFFF", "1\tCT\tTumour\t#05D004")
    palette.write_text("\n".join(rows))
    monkeypatch.chdir(tmp_path)
    changes = {
        "palette": "own.tsv",
        "seed": 5,
        "slides": {"tissue": "otsu", "slides_per_job": 9},
        "split": {"method": "kfold"},
        "survival": {},
    }
    found = plan(tmp_path / "run", **changes)
    config = found.config
    assert config["palette"] == str(palette)
    assert config["seed"] == 5
    assert config["slides"]["tissue"] == "otsu"
    assert config["slides"]["slides_per_job"] == 1
    assert set(config["tilings"]) == {"region", "cell"}
    assert config["segmentation"]["pretrained"] == str(tmp_path / "run/results/models")
    assert config["traits"]["pretrained"] == str(tmp_path / "run/results/traits")
    assert config["traits"]["named"] == {"egfr": {"method": "tiles"}}
    assert not {"split", "survival", "expression"} & set(config)
    # Whoever reads it takes it for what it is.
    assert check_config(config, file="-")["on_bad_slide"] == "skip"


def test_the_slide_signature_gives_its_risk_by_the_runs_networks(tmp_path):
    traits = {**CONFIG["traits"], "features": {"encoder": "resnet18"}}
    signature = {"score": "deadly", "tiling": "spare", "folds": 3, "training": {"hidden": 8}}
    changes = {"traits": traits, "slide_signature": signature, "survival": {}}
    config, results = write_run(tmp_path / "run", {**CONFIG, **changes})
    with pytest.raises(InputError, match=r"slide_signature/models.*come to its end"):
        plan_study(config, results)
    for fold in range(3):
        add_model(results / "slide_signature" / "models" / str(fold))
    found = plan_study(config, results)
    assert found.config["slide_signature"] == {
        "score": "deadly",
        "tiling": "spare",
        "pretrained": str(results / "slide_signature" / "models"),
    }
    assert set(found.config["tilings"]) == {"region", "cell", "spare"}
    titles = [stage.title for stage in found.stages(UPLOAD)]
    assert titles[-2:] == ["Drawing the heat maps", "Foreseeing the risk"]
    assert "Describing its tiles (spare)" in titles
    # Trained by survival, applied without.
    assert "survival" not in check_config(found.config, file="-")


def test_traits_of_whole_slides_have_stages_of_their_own(tmp_path):
    named = {
        name: {**CONFIG["traits"]["named"]["egfr"], "method": method}
        for name, method in (("egfr", "tiles"), ("subtype", "mil"))
    }
    traits = {**CONFIG["traits"], "features": {"encoder": "resnet18"}, "named": named}
    config, results = write_run(tmp_path / "run", {**CONFIG, "traits": traits})
    add_model(results / "traits" / "subtype" / "0")
    titles = [stage.title for stage in plan_study(config, results).stages(UPLOAD)]
    assert titles[-5:] == [
        "Telling its traits (cell)",
        "Letting the networks vote",
        "Describing its tiles (cell)",
        "Telling subtype from all tiles",
        "Drawing the heat maps",
    ]


def test_models_that_were_brought_along_are_used_where_they_are(tmp_path):
    brought = tmp_path / "elsewhere"
    write_run(brought, CONFIG)
    own = {**CONFIG["segmentation"], "pretrained": str(brought / "results" / "models")}
    found = plan(tmp_path / "run", segmentation=own)
    assert found.config["segmentation"]["pretrained"] == str(brought / "results" / "models")


def test_the_sheets_of_an_upload_have_nothing_of_its_name(desk):
    upload = desk.receiver.start("Doe=1+1\tJohn.tiff", size=5, mpp=0.25)
    desk.plan.write(upload, slide_file(desk.folder, upload))
    folder = desk.folder / upload.id
    rows = (folder / "slides.tsv").read_text().splitlines()
    assert rows[1] == f"{upload.id}\t{upload.id}\t{folder}/slide.tiff\t0.25\tapply"
    for path in folder.iterdir():
        assert "Doe" not in path.read_text()
    assert yaml.safe_load((folder / "config.yaml").read_text())["results"] == "results"


def test_a_run_without_models_takes_no_uploads(tmp_path):
    config, results = write_run(tmp_path / "a", CONFIG)
    (results / "traits" / "egfr" / "0" / "model.safetensors").unlink()
    with pytest.raises(InputError, match="let the run come to its end"):
        plan_study(config, results)
    bare = {"cohort": CONFIG["cohort"]}
    with pytest.raises(InputError, match="neither the block segmentation nor traits"):
        plan_study(*write_run(tmp_path / "b", bare))


def test_wrong_folders_are_a_line(tmp_path):
    config, results = write_run(tmp_path / "run", CONFIG)

    def fail(folder, words, config=config):
        with pytest.raises(InputError, match=words) as caught:
            open_desk(Options(folder, Place(), Limits()), config=config, results=results)
        assert "\n" not in str(caught.value)

    fail(results / "uploads", "lies in the folder of results")
    fail(tmp_path / "up", "name it with --config", config=None)
    (tmp_path / "file").touch()
    fail(tmp_path / "file", "name a folder that can be written")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "uploads.sqlite").write_text("no queue at all, only words" * 90)
    fail(tmp_path / "other", "the queue cannot be read")
    (tmp_path / "later").mkdir()
    database = sqlite3.connect(tmp_path / "later" / "uploads.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    fail(tmp_path / "later", "of another version")


def test_a_profile_that_is_none_is_a_line(tmp_path):
    arguments = ["view", str(tmp_path), "--uploads", str(tmp_path / "up"), "--profile", "nowhere"]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, InputError)
    assert "no folder of a profile" in str(done.exception)


def test_stages_are_told_by_the_files_that_they_leave(desk):
    upload = desk.receiver.start("a.svs", size=5, mpp=None)
    stages = desk.plan.stages(upload)
    titles = [stage.title for stage in stages]
    assert titles[:3] == [
        "Inspecting the slide",
        "Cutting it into tiles (region)",
        "Cutting it into tiles (cell)",
    ]
    assert titles[-1] == "Drawing the heat maps"
    results = desk.folder / upload.id / "results"
    assert set(progress_of(stages, results, "queued")) == {"to come"}
    for path in (stages[0].output, stages[0].log, stages[1].log):
        (results / path).parent.mkdir(parents=True, exist_ok=True)
        (results / path).touch()
    for state, word in {"running": "under way", "failed": "failed", "cancelled": "stopped"}.items():
        assert progress_of(stages, results, state)[:3] == ["done", word, "to come"]
    assert set(progress_of(stages, results, "done")) == {"done"}


def test_the_queue_is_worked_on_in_order_and_survives_a_restart(tmp_path):
    store = Store(tmp_path / "queue.sqlite")
    one, two, three = (add(store).id for _ in range(3))
    for upload in (two, one, three):
        assert store.move(upload, "receiving", to="queued")
    assert not store.move(two, "receiving", to="done")
    assert store.oldest("queued").id == two
    store.move(two, "queued", to="running")
    store.note_chunk(three, 1, "digest")
    store.close()
    again = Store(tmp_path / "queue.sqlite")
    assert [again.get(upload).state for upload in (one, two, three)] == [
        "queued",
        "running",
        "queued",
    ]
    assert again.ahead(again.get(three)) == 2
    assert again.received(three) == {1: "digest"}
    again.close()


def test_only_so_many_are_kept(store):
    first = add(store, most=2)
    assert add(store, most=2)
    assert add(store, most=2) is None
    store.move(first.id, "receiving", to="expired")
    assert add(store, most=2)


def test_what_is_too_old_is_removed_unless_it_is_worked_on(desk):
    uploads = [desk.receiver.start(f"{k}.svs", size=5, mpp=None).id for k in range(4)]
    done, running, fresh, begun = uploads
    for upload in uploads:
        (desk.folder / upload / "slide.svs").write_text("slide")
    desk.store.move(done, "receiving", to="done")
    desk.store.move(running, "receiving", to="running")
    before = time.time()
    desk.store.note_chunk(fresh, 0, "digest")
    expire(desk.store, desk.folder, before=before)
    assert not (desk.folder / done).exists()
    assert not (desk.folder / begun).exists()
    assert (desk.folder / running / "slide.svs").exists()
    assert (desk.folder / fresh / "slide.svs").exists()
    gone = desk.store.get(done)
    assert (gone.state, gone.name) == ("expired", "")
    expire(desk.store, desk.folder, before=time.time())
    assert desk.store.get(done) is None


def test_a_slide_without_tissue_is_refused_with_the_runs_reason(desk):
    upload = desk.receiver.start("a.png", size=5, mpp=0.5)
    results = desk.folder / upload.id / "results"
    assert why_left_out(results, upload.id) == ""
    row = {"slide": upload.id, "status": "skipped", "reason": "only 0 mm² of tissue"}
    write_table(pd.DataFrame([row]), results / "slides" / "quality.parquet")
    assert why_left_out(results, upload.id) == "only 0 mm² of tissue"
    write_table(
        pd.DataFrame([{**row, "status": "ok", "reason": ""}]), results / "slides/quality.parquet"
    )
    assert why_left_out(results, upload.id) == ""


def test_the_logs_last_lines_name_no_folder(desk):
    upload = desk.receiver.start("a.svs", size=5, mpp=None)
    log = desk.folder / upload.id / LOG
    lines = [f"line {k}" for k in range(90)]
    log.write_text("\n".join([*lines, f"error: {log}: cannot be read, see /home/doe/x/y.txt"]))
    shown = desk.last_lines(upload)
    assert len(shown) == 30
    assert shown[-1] == "error: run.log: cannot be read, see y.txt"
