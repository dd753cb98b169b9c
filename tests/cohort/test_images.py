"""Which image runs a job, and what it sees."""

import os
from pathlib import Path

from histoniche.cohort.images import folders_to_bind, images, show_to_containers


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
        "cohort": {"root": str(data), "patients": "cohort/patients.tsv"},
        "study": {"description": "either/or", "title": f"{tmp_path}/none"},
        "report": {"links": [str(data / "slides")]},
    }
    slides = [work / "cohort" / "a.tif", data / "slides" / "b.tif", work / "cohort" / "c.tif"]
    assert folders_to_bind(config, slides, work) == [str(data), str(other)]


def test_what_the_user_binds_stays_visible(monkeypatch):
    monkeypatch.setenv("APPTAINER_BIND", "/scratch:/tmp,/data")
    show_to_containers(["/data", "/slides"])
    assert os.environ["APPTAINER_BIND"] == "/scratch:/tmp,/data,/slides"
