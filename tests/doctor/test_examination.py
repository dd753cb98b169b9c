"""The doctor as people run it."""

import itertools
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from histoniche import cli
from histoniche.cohort.sources.records import write_wanted
from histoniche.cohort.sources.remote import Remote


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study of one slide that can be opened and one that cannot."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "good.png")
    (tmp_path / "broken.svs").write_bytes(b"II*\x00 and then nothing")
    (tmp_path / "patients.tsv").write_text("patient\ttime\tevent\nP1\t100\t1\nP2\t9\t0\n")
    (tmp_path / "slides.tsv").write_text(
        "slide\tpatient\tpath\tmpp\nS1\tP1\tgood.png\t2\nS2\tP2\tbroken.svs\t\n"
    )
    config = {
        "cohort": {"patients": "patients.tsv", "slides": "slides.tsv"},
        "tilings": {"region": {"mpp": 8, "size": 64}},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def doctor(monkeypatch, capsys, *words):
    """Exit status and lines of one visit."""
    monkeypatch.setattr(sys, "argv", ["histoniche", "doctor", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0, capsys.readouterr().out.splitlines()


def test_an_unreadable_slide_is_a_warning_where_it_may_be_skipped(folder, monkeypatch, capsys):
    code, lines = doctor(monkeypatch, capsys, "--config", "config.yaml")
    bad = next(line for line in lines if "slide S2" in line)
    assert bad.startswith("warn ") and "mend it, or fill in `exclude`" in bad
    assert any("1 of 2 slides opened, of 2 in the sheet" in line for line in lines)
    assert any("GB at most for 2 slides" in line for line in lines)
    assert code == (1 if any(line.startswith("wrong") for line in lines) else 0)


def test_what_would_stop_the_run_ends_with_status_1(folder, monkeypatch, capsys):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, "on_bad_slide": "fail"}))
    code, lines = doctor(monkeypatch, capsys, "--config", "config.yaml")
    assert code == 1
    assert any(line.startswith("wrong") and "slide S2" in line for line in lines)


def test_so_many_slides_are_opened_as_were_asked_for(folder, monkeypatch, capsys):
    _, lines = doctor(monkeypatch, capsys, "--config", "config.yaml", "--slides", "1")
    line = next(line for line in lines if "1 of 1 slides opened" in line)
    assert line.endswith("of 2 in the sheet; open all with --all-slides")


def test_a_mistake_in_a_sheet_is_the_sheets_own_line(folder, monkeypatch, capsys):
    sheet = folder / "slides.tsv"
    sheet.write_text(sheet.read_text().replace("P2", "P3"))
    code, lines = doctor(monkeypatch, capsys, "--config", "config.yaml")
    assert code == 1
    assert lines[-1].startswith("wrong  slides.tsv, row 3, column patient, value 'P3'")


def test_a_config_that_is_missing_or_no_yaml_is_one_line(folder, monkeypatch, capsys):
    code, lines = doctor(monkeypatch, capsys, "--config", "none.yaml")
    assert code == 1 and lines[-1] == "wrong  none.yaml: no such file; name it by --config"
    (folder / "config.yaml").write_text("cohort: [")
    code, lines = doctor(monkeypatch, capsys, "--config", "config.yaml")
    assert code == 1 and "not YAML" in lines[-1]


def test_a_cluster_without_slurm_is_told(folder, monkeypatch, capsys, put):
    (folder / "profile").mkdir()
    (folder / "profile" / "config.yaml").write_text("executor: slurm\n")
    code, lines = doctor(monkeypatch, capsys, "--config", "config.yaml", "--profile", "profile")
    assert code == 1
    assert "wrong  no sinfo here; run the doctor where jobs are submitted" in lines


def test_slides_that_a_source_has_are_counted_and_not_missed(folder, monkeypatch, capsys):
    remote = Remote("S2.svs", "https://source/S2", size=3_200_000_000)
    write_wanted([remote], folder / "public")
    sheet = (folder / "slides.tsv").read_text().replace("broken.svs", "public/S2.svs")
    (folder / "slides.tsv").write_text(sheet)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["sources"] = {"folder": "public"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    _, lines = doctor(monkeypatch, capsys, "--config", "config.yaml")
    assert any("1 slides are still to be fetched, 3.2 GB" in line for line in lines)
    assert any("1 of 1 slides opened" in line for line in lines)
    assert not any("S2" in line for line in lines)
    (space,) = [line for line in lines if "GB free" in line]
    assert "3.2 GB at most for 2 slides and 1 files to be fetched" in space
    # Slides that come and go take no room for good.
    config["sources"]["keep_slides"] = False
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    _, lines = doctor(monkeypatch, capsys, "--config", "config.yaml")
    (space,) = [line for line in lines if "GB free" in line]
    assert "0.0 GB at most for 2 slides," in space


def test_scans_are_reckoned_with_until_they_are_prepared(folder, monkeypatch, capsys):
    patients = [f"P{number}" for number in range(6)]
    files = {one: [f"{one}_{name}.nii.gz" for name in ("mask", "FA", "MD")] for one in patients}
    for name in itertools.chain(*files.values()):
        (folder / name).touch()
    rows = [f"{patient}\t100\t1\n" for patient in patients]
    (folder / "patients.tsv").write_text("patient\ttime\tevent\n" + "".join(rows))
    rows = ["\t".join([patient, *own]) + "\n" for patient, own in files.items()]
    (folder / "scans.tsv").write_text("patient\tmask\tFA\tMD\n" + "".join(rows))
    config = {
        "cohort": {"patients": "patients.tsv"},
        "imaging": {"scans": "scans.tsv", "maps": ["FA", "MD"], "folds": 3},
        "survival": {},
    }
    # Millions of voxels a scan, so that some GB are asked for.
    config["imaging"]["sample"] = {"slices": 64, "side": 512}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    _, lines = doctor(monkeypatch, capsys, "--config", "config.yaml")
    assert any("1.3 GB at most for 6 scans," in line for line in lines), lines
    prepared = folder / "results" / "imaging" / "scans" / "P3" / "sample.safetensors"
    prepared.parent.mkdir(parents=True)
    prepared.touch()
    _, lines = doctor(monkeypatch, capsys, "--config", "config.yaml")
    assert any("1.1 GB at most for 5 scans," in line for line in lines), lines
