import gzip
import hashlib

import nibabel
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from lifelines.utils import concordance_index

from histoniche.cohort.scan_sheet import read_scans
from histoniche.demo.clinical import draw_patients
from histoniche.demo.design import draw_design
from histoniche.demo.heads import draw_head, margin_of, tensor_maps
from histoniche.demo.scans import EMPTY_MASK, MAPS, plan_risk, write_scans
from histoniche.files import read_json
from histoniche.imaging.preparation import prepare_scans
from histoniche.imaging.samples import read_sample
from histoniche.randomness import generator


def draw(folder, count, seed):
    """Write the scans of a cohort whose areas are as designed; return its patients."""
    design = draw_design([f"P{number:03d}" for number in range(1, count + 1)], seed=seed)
    (folder / "truth").mkdir(parents=True)
    write_scans(design, design.areas, folder, seed=seed)
    return draw_patients(design, design.areas, generator(seed, "patients"))


def sheet_of(folder, patients):
    return read_scans(folder / "scans.tsv", root=folder, patients=patients, maps=MAPS)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Folder, patients, sheet of scans, and what is planted, of 40 patients."""
    folder = tmp_path_factory.mktemp("scans") / "cohort"
    patients = draw(folder, 40, 7)
    truth = pd.read_csv(folder / "truth" / "scans.tsv", sep="\t").set_index("patient")
    return folder, patients.set_index("patient"), sheet_of(folder, patients), truth


def test_the_sheet_has_the_promised_scans(cohort):
    folder, patients, sheet, truth = cohort
    assert len(sheet) == 38 and set(sheet["patient"]) < set(patients.index)
    assert sheet["patient"].tolist() == truth.index.tolist()
    assert sheet["dwi"].notna().sum() == 1
    assert sheet.loc[sheet["dwi"].isna(), list(MAPS)].notna().all(axis=None)
    assert (truth["reason"] == EMPTY_MASK).sum() == 1
    assert truth["reason"].notna().sum() == 1
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < 15e6


@pytest.mark.parametrize("count", [4, 6])
def test_a_small_cohort_has_a_bad_and_a_raw_scan_too(tmp_path, count):
    patients = draw(tmp_path / "small", count, 5)
    sheet = sheet_of(tmp_path / "small", patients)
    assert len(sheet) == count - 1
    assert sheet["dwi"].notna().sum() == 1


@pytest.mark.parametrize("seed", [0, 7, 21])
def test_risk_tells_patients_apart_and_goes_with_the_hazard_region(seed):
    design = draw_design([f"P{number:03d}" for number in range(40)], seed=seed)
    risk = plan_risk(design, design.areas)
    sheet = draw_patients(design, design.areas, generator(seed, "patients"))
    assert concordance_index(sheet["time"], -risk, sheet["event"]) > 0.83
    assert np.corrcoef(risk, design.areas["CTmvp"])[0, 1] > 0.7


def test_only_the_margin_shows_risk(cohort):
    _, patients, _, truth = cohort
    own = patients.loc[truth.index]

    def agreement(column):
        return concordance_index(own["time"], -truth[column], own["event"])

    assert agreement("margin_fa") > 0.83
    assert 0.4 < agreement("core_fa") < 0.6
    assert 0.4 < agreement("tumour_mm3") < 0.6
    assert scipy.stats.spearmanr(truth["margin_fa"], truth["risk"]).statistic > 0.98


def test_what_is_planted_can_be_measured_in_the_files(cohort):
    _, _, sheet, truth = cohort
    margins, around = {}, {}
    for row in sheet[sheet["dwi"].isna()].itertuples():
        maps = {name: nibabel.load(getattr(row, name)).get_fdata() for name in MAPS}
        assert np.allclose(maps["MD"], (maps["AD"] + 2 * maps["RD"]) / 3, atol=2e-6)
        assert (maps["AD"] >= maps["RD"] - 1e-6).all()
        tumour = nibabel.load(row.mask).get_fdata() > 0
        if not tumour.any():
            assert truth.loc[row.patient, "reason"] == EMPTY_MASK
            continue
        margins[row.patient] = maps["FA"][margin_of(tumour)].mean()
        around[row.patient] = np.median(maps["FA"][~tumour & (maps["FA"] > 0)])
    assert len(margins) == 36
    assert np.allclose(truth.loc[list(margins), "margin_fa"], list(margins.values()), atol=1e-3)
    risk = truth.loc[list(around), "risk"]
    assert abs(scipy.stats.spearmanr(list(around.values()), risk).statistic) < 0.33


def test_scans_are_prepared_as_expected(cohort, tmp_path):
    _, _, sheet, truth = cohort
    raw = sheet["dwi"].notna().to_numpy()
    bad = (truth["reason"] == EMPTY_MASK).to_numpy()
    chosen = sheet[raw | bad | (np.arange(38) < 2)]
    rows = chosen.astype(object).where(chosen.notna(), None).to_dict("records")
    outs = {row["patient"]: tmp_path / row["patient"] for row in rows}
    sample = {"slices": 4, "side": 32, "margin": 0}
    prepare_scans(rows, outs, maps=MAPS, unit="mm2/s", sample=sample)
    for row in rows:
        patient, folder = row["patient"], outs[row["patient"]]
        quality = read_json(folder / "quality.json")
        if patient in sheet["patient"][bad].tolist():
            assert (quality["status"], quality["reason"]) == ("bad", EMPTY_MASK)
            continue
        assert quality["status"] == "ok"
        facts = quality["facts"]
        assert facts["tumour_mm3"] == pytest.approx(truth.loc[patient, "tumour_mm3"])
        assert facts["maps"] == ("given" if row["dwi"] is None else "fitted")
        cut = read_sample(folder / "sample.safetensors")
        inside = cut.images[:, 0][cut.tumour > 0].mean()
        low, high = sorted(truth.loc[patient, ["core_fa", "margin_fa"]])
        assert low - 0.03 < inside < high + 0.03


def test_the_same_seed_gives_the_same_bytes_without_a_time_stamp(tmp_path):
    def digests(folder):
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }

    for name, seed in (("first", 5), ("again", 5), ("other", 6)):
        draw(tmp_path / name, 4, seed)
    first, again, other = (digests(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    shared = {name for name in first if first[name] == other.get(name)}
    assert all(name.endswith((".bval", ".bvec")) for name in shared)
    for path in (tmp_path / "first").rglob("*.nii.gz"):
        assert path.read_bytes()[4:8] == b"\0\0\0\0"
        assert len(gzip.decompress(path.read_bytes())) > 48 * 48 * 24


def test_maps_are_those_of_the_eigenvalues():
    maps = tensor_maps(np.array([[1.7e-3, 1e-3, 0], [0.3e-3, 1e-3, 0], [0.3e-3, 1e-3, 0]]))
    # Of one fibre, of a drop of fluid, and of nothing.
    assert maps[0] == pytest.approx([0.7990, 0, 0], abs=1e-4)
    assert maps[1] == pytest.approx([2.3e-3 / 3, 1e-3, 0])
    assert maps[2] == pytest.approx([1.7e-3, 1e-3, 0])
    assert maps[3] == pytest.approx([0.3e-3, 1e-3, 0])


def test_the_margin_is_two_voxels_in_every_slice():
    tumour = np.zeros((10, 10, 2), bool)
    tumour[1:9, 1:9] = True
    margin = margin_of(tumour)
    assert margin.sum(axis=(0, 1)).tolist() == [64 - 16, 64 - 16]
    assert not margin[3:7, 3:7].any()


def test_a_head_has_the_anisotropy_that_is_asked_for():
    for number, (margin_fa, core_fa) in enumerate([(0.2, 0.1), (0.6, 0.25)]):
        head = draw_head(margin_fa=margin_fa, core_fa=core_fa, size=0.5, random=generator(number))
        assert (head.eigenvalues[0] >= head.eigenvalues[1]).all()
        assert (head.eigenvalues[1] >= head.eigenvalues[2]).all()
        assert (head.eigenvalues[:, head.brain] > 0).all()
        assert (head.tumour <= head.brain).all()
        fa, margin = tensor_maps(head.eigenvalues)[0], margin_of(head.tumour)
        assert np.median(fa[margin]) == pytest.approx(margin_fa, abs=0.04)
        assert np.median(fa[head.tumour & ~margin]) == pytest.approx(core_fa, abs=0.03)
