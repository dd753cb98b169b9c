"""Which image runs a job, and what it sees."""

import os
from pathlib import Path

import pytest

from histoniche.cohort.images import MOST_FOLDERS, folders_to_bind, images, show_to_containers
from histoniche.errors import InputError


def test_images_are_those_that_make_builds_unless_others_are_named():
    config = {"containers": {"imaging": None, "analysis": "docker://core/analysis:2"}}
    assert images(config, Path("/flow")) == {
        "imaging": "/flow/images/imaging.sif",
        "analysis": "docker://core/analysis:2",
    }


def test_what_lies_outside_is_bound_once_and_nothing_else(tmp_path):
    work, data, other = (tmp_path / name for name in ("work", "data", "other"))
    for folder in (work / "cohort", data / "slides", other):
        folder.mkdir(parents=True)
    for path in (work / "cohort" / "a.tif", data / "slides" / "b.tif", other / "c.tif"):
        path.touch()
    (work / "cohort" / "c.tif").symlink_to(other / "c.tif")
    config = {
        "results": "results",
        "weights": "weights",
        "cohort": {"root": str(data), "patients": "cohort/patients.tsv"},
        "study": {"description": "either/or " * 100, "title": f"{tmp_path}/none"},
        "report": {"links": [str(data / "slides")]},
    }
    slides = [work / "cohort" / "a.tif", data / "slides" / "b.tif", work / "cohort" / "c.tif"]
    assert folders_to_bind(config, slides, work) == [str(data), str(other)]


def test_a_link_is_seen_where_it_stands_and_where_it_leads(tmp_path):
    work, shelf, store = (tmp_path / name for name in ("work", "shelf", "store"))
    for folder in (work, shelf, store):
        folder.mkdir()
    (store / "a.tif").touch()
    (shelf / "a.tif").symlink_to(store / "a.tif")
    config = {"results": "results", "weights": "weights"}
    assert folders_to_bind(config, [shelf / "a.tif"], work) == [str(shelf), str(store)]


def test_results_elsewhere_are_seen_before_they_are_there(tmp_path):
    work = tmp_path / "work"
    (tmp_path / "scratch").mkdir()
    work.mkdir()
    config = {"results": str(tmp_path / "scratch" / "run" / "results"), "weights": "weights"}
    assert folders_to_bind(config, [], work) == [str(tmp_path / "scratch")]


def test_a_folder_a_slide_becomes_the_folder_of_them_all(tmp_path):
    slides = [tmp_path / "data" / f"{number:03}" / "a.svs" for number in range(MOST_FOLDERS + 1)]
    for slide in slides:
        slide.parent.mkdir(parents=True)
        slide.touch()
    work = tmp_path / "work"
    work.mkdir()
    config = {"results": "results", "weights": "weights"}
    assert folders_to_bind(config, slides, work) == [str(tmp_path / "data")]
    assert len(folders_to_bind(config, slides[1:], work)) == MOST_FOLDERS


def test_a_name_that_ends_early_is_one_line(tmp_path):
    (tmp_path / "a,b").mkdir()
    (tmp_path / "a,b" / "c.tif").touch()
    work = tmp_path / "work"
    work.mkdir()
    config = {"results": "results", "weights": "weights"}
    with pytest.raises(InputError, match=r"a,b: containers see no .*rename it"):
        folders_to_bind(config, [tmp_path / "a,b" / "c.tif"], work)


def test_what_the_user_binds_stays_visible(monkeypatch):
    monkeypatch.setenv("APPTAINER_BIND", "/scratch:/tmp,/data")
    show_to_containers(["/data", "/slides"])
    assert os.environ["APPTAINER_BIND"] == "/scratch:/tmp,/data,/slides"
