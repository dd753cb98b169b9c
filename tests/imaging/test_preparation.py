import nibabel
import numpy as np
import pytest
from PIL import Image

from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.imaging.preparation import prepare_scans
from histoniche.imaging.prepared import Prepared
from histoniche.imaging.quality_table import check_scans, collect_scan_quality
from histoniche.imaging.samples import read_sample
from histoniche.tables import read_table
from scan_files import GRID, MAPS, SAMPLE, make_affine, make_maps, make_tumour, save


def prepare(rows, tmp_path, **changes):
    """Prepare some patients and return their folders."""
    outs = {row["patient"]: tmp_path / "scans" / row["patient"] for row in rows}
    prepare_scans(rows, outs, **{"maps": MAPS, "unit": "mm2/s", "sample": SAMPLE, **changes})
    return outs


@pytest.fixture
def rows(write_scan, tmp_path):
    """A patient with a good scan, and one each whose tumour is empty and whose FA is cut off."""
    good = write_scan()
    empty = {**good, "patient": "P2", "mask": save(np.zeros(GRID), tmp_path / "empty.nii")}
    whole = save(make_maps()["FA"], tmp_path / "FA.nii.gz")
    content = (tmp_path / "FA.nii.gz").read_bytes()
    (tmp_path / "FA.nii.gz").write_bytes(content[:-2000])
    return [good, empty, {**good, "patient": "P3", "FA": whole}]


def test_good_and_bad_scans_each_leave_their_files(rows, tmp_path):
    outs = prepare(rows, tmp_path)
    for folder in outs.values():
        assert {path.name for path in folder.iterdir()} == {
            *("sample.safetensors", "quality.json", "picture.png")
        }
    sample = read_sample(Prepared.beneath(outs["P1"]).sample)
    assert sample.images.shape == (4, 4, 16, 16)
    assert sample.axial.tolist() == [2, 4, 6, 8]
    assert sample.images[:, 0][sample.tumour > 0].mean() == pytest.approx(0.45, abs=0.05)
    quality = read_json(outs["P1"] / "quality.json")
    assert (quality["patient"], quality["status"], quality["reason"]) == ("P1", "ok", "")
    assert quality["facts"]["tumour_mm3"] == 6 * 4 * 8 * 12
    assert quality["facts"]["medians"]["MD"] == pytest.approx(
        np.median(make_maps()["MD"][make_tumour() > 0]) * 1000, rel=1e-5
    )
    for patient, reason in [
        ("P2", "the tumour mask is empty"),
        ("P3", "FA: the file is cut off or damaged"),
    ]:
        quality = read_json(outs[patient] / "quality.json")
        assert quality == {"patient": patient, "status": "bad", "reason": reason, "facts": {}}
        assert read_sample(outs[patient] / "sample.safetensors").images.shape == (0, 4, 16, 16)


def test_only_the_asked_for_are_done_and_what_was_there_gives_way(rows, tmp_path):
    outs = prepare(rows, tmp_path, patients=["P1"])
    assert not outs["P2"].exists()
    rows[0]["FA"] = str(tmp_path / "nowhere.nii")
    prepare(rows, tmp_path, patients=["P1"])
    assert read_json(outs["P1"] / "quality.json")["reason"] == "FA: no such file"
    assert len(read_sample(outs["P1"] / "sample.safetensors").images) == 0


def test_raw_volumes_become_the_four_maps(tmp_path):
    """Tensors along x with eigenvalues 1.2, 0.6 and 0.6; 1.2, 1.2 and 1.2 in the tumour."""
    random = np.random.default_rng(0)
    bvecs = random.standard_normal((20, 3))
    bvecs /= np.linalg.norm(bvecs, axis=1, keepdims=True)
    bvecs[0], bvals = 0, np.array([0.0] + [1000.0] * 19)
    brain, tumour = make_maps()["FA"] > 0, make_tumour() > 0
    along = np.where(tumour, 1.2e-3, 0.6e-3)[..., None]
    decay = np.exp(-bvals * (1.2e-3 * bvecs[:, 0] ** 2 + along * (1 - bvecs[:, 0] ** 2)))
    np.savetxt(tmp_path / "bvals", bvals[None])
    np.savetxt(tmp_path / "bvecs", np.where(bvals > 0, bvecs.T, 0))
    row = {
        "patient": "P1",
        "dwi": save(np.where(brain[..., None], 900 * decay, 0), tmp_path / "dwi.nii.gz"),
        "bvals": str(tmp_path / "bvals"),
        "bvecs": str(tmp_path / "bvecs"),
        "mask": save(tumour.astype(np.uint8), tmp_path / "mask.nii", axes="LPS"),
        "brain_mask": save(brain.astype(np.uint8), tmp_path / "brain.nii"),
    }
    folder = prepare([row], tmp_path)["P1"]
    facts = read_json(folder / "quality.json")["facts"]
    assert (facts["maps"], facts["brain"]) == ("fitted", "given")
    assert facts["gradients"] == "19 directions, b up to 1000 s/mm2"
    assert facts["medians"] == pytest.approx({"FA": 0, "MD": 1.2, "AD": 1.2, "RD": 1.2}, abs=1e-3)
    sample = read_sample(folder / "sample.safetensors")
    aside = sample.images[:, :, 0, 0]
    expected = [0.6 / np.sqrt(1.2**2 + 2 * 0.6**2), 0.8, 1.2, 0.6]
    assert aside == pytest.approx(np.tile(expected, (4, 1)), abs=1e-3)

    # The maps that were fitted, as anybody reads them, and as maps of another sheet.
    written = {name: nibabel.load(folder / "maps" / f"{name}.nii.gz") for name in MAPS}
    for (name, image), own in zip(written.items(), [0, 1.2e-3, 1.2e-3, 1.2e-3], strict=True):
        assert np.array_equal(image.affine, make_affine()) and image.shape == GRID
        assert image.get_fdata()[tumour] == pytest.approx(own, abs=1e-3 if name == "FA" else 1e-6)
        assert not image.get_fdata()[~brain].any()
    assert bytes(written["MD"].header["descrip"]).rstrip(b"\0") == b"MD, mm2/s"
    given = {**row, **dict.fromkeys(["dwi", "bvals", "bvecs"]), "patient": "P2"}
    given |= {name: str(folder / "maps" / f"{name}.nii.gz") for name in MAPS}
    again = read_sample(prepare([given], tmp_path)["P2"] / "sample.safetensors")
    assert again.images == pytest.approx(sample.images, abs=1e-5)

    np.savetxt(tmp_path / "bvecs", bvecs.T[:, :-1])
    prepare([row], tmp_path)
    assert read_json(folder / "quality.json")["reason"] == "19 b-vectors for 20 volumes"
    assert not list((folder / "maps").iterdir())


def test_pictures_show_every_slice_and_map_and_the_outline(rows, tmp_path):
    outs = prepare(rows, tmp_path)
    good = np.asarray(Image.open(outs["P1"] / "picture.png").convert("RGB"), int)
    # One field of 192 pixels a slice and map.
    assert good.shape[0] > 4 * 192 and good.shape[1] > 4 * 192
    orange = np.abs(good - (230, 159, 0)).max(axis=-1) < 40
    fields = orange[66:, 76:][: 4 * 198, : 4 * 198].reshape(4, 198, 4, 198)
    assert (fields.sum(axis=(1, 3)) > 200).all()
    bad = np.asarray(Image.open(outs["P2"] / "picture.png").convert("RGB"), int)
    assert not (np.abs(bad - (230, 159, 0)).max(axis=-1) < 40).any()


def test_the_table_has_a_row_for_every_scan(rows, tmp_path):
    outs, table = prepare(rows, tmp_path), tmp_path / "quality.parquet"
    excluded = [{"patient": "P0", "reason": "moved"}]
    cohorts = {"P1": "training", "P0": "tuning"}
    collect_scan_quality(outs, table, cohorts=cohorts, excluded=excluded, maps=MAPS)
    found = read_table(table).set_index("patient")
    assert found["status"].to_dict() == {"P0": "excluded", "P1": "ok", "P2": "bad", "P3": "bad"}
    assert found["cohort"].tolist() == ["tuning", "training", "", ""]
    assert found.loc["P0", "reason"] == "moved"
    assert found.loc["P1", "slices"] == "2, 4, 6, 8"
    edges = found.loc["P1", ["voxel_x_mm", "voxel_y_mm", "voxel_z_mm", "pixel_mm"]]
    assert edges.tolist() == [2, 2, 3, 0.75]
    assert found.loc["P1", "tilt_degrees"] == 0 and found.loc["P1", "gradients"] == ""
    assert found.loc["P1", "tumour_mm3"] == 2304
    medians = ["FA_median", "MD_median_um2_ms", "AD_median_um2_ms", "RD_median_um2_ms"]
    assert found.loc["P1", medians].between(0.2, 1.5).all()
    assert found.loc["P2", medians].isna().all()
    assert table.with_suffix(".tsv").is_file()

    check_scans(table, tmp_path / "counts.parquet", on_bad_scan="skip")
    counts = read_table(tmp_path / "counts.parquet").set_index("status")["patients"]
    assert counts.to_dict() == {"bad": 2, "excluded": 1, "ok": 1}
    with pytest.raises(InputError) as caught:
        check_scans(table, tmp_path / "counts.parquet", on_bad_scan="fail")
    words = ["quality.tsv", "3 of 4 scans", "patient P2: the tumour mask is empty", "on_bad_scan"]
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_cohort_without_any_good_scan_stops_the_run(rows, tmp_path):
    outs = prepare(rows[1:], tmp_path)
    collect_scan_quality(outs, tmp_path / "q.parquet", cohorts={}, excluded=[], maps=MAPS)
    with pytest.raises(InputError, match=r"2 of 2 scans cannot be used; .* mend the scans"):
        check_scans(tmp_path / "q.parquet", tmp_path / "c.parquet", on_bad_scan="skip")


def test_a_scan_of_hostile_size_is_a_reason(rows, tmp_path):
    save(np.zeros(GRID), tmp_path / "huge.nii")
    content = bytearray((tmp_path / "huge.nii").read_bytes())
    content[40:56] = np.array([3, 600, 600, 600, 1, 1, 1, 1], "<i2").tobytes()
    (tmp_path / "huge.nii").write_bytes(content)
    outs = prepare([{**rows[0], "FA": str(tmp_path / "huge.nii")}], tmp_path)
    assert "the file is cut off" in read_json(outs["P1"] / "quality.json")["reason"]


def test_a_rotated_oblique_scan_is_prepared(write_scan, tmp_path):
    angle = np.radians(2)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    outs = prepare([write_scan(affine=turn @ make_affine())], tmp_path)
    assert read_json(outs["P1"] / "quality.json")["facts"]["voxel_mm"] == [2, 2, 3]
