import pytest

from histoniche.errors import InputError
from histoniche.files import write_json
from histoniche.slides.quality_table import collect_quality
from histoniche.tables import read_table

GOOD = {
    "status": "ok", "reason": "", "width_px": 600, "height_px": 400, "mpp": 0.5,
    "mpp_source": "sheet", "reader": "openslide", "vendor": "", "tissue_mm2": 3.0,
    "tissue_share": 0.4,
}  # fmt: skip


def collect(tmp_path, reports, excluded=(), stores=None):
    paths = {}
    for slide, content in reports.items():
        paths[slide] = tmp_path / f"{slide}.json"
        write_json(content, paths[slide])
    out = tmp_path / "quality.parquet"
    collect_quality(
        paths, out, stores=stores or {}, patients=dict.fromkeys(reports, "P1"), excluded=excluded
    )
    return read_table(out).set_index("slide")


def test_every_slide_has_a_row_with_its_reason(tmp_path):
    table = collect(
        tmp_path,
        {"S3": GOOD, "S1": {"status": "skipped", "reason": "torn"}},
        [{"slide": "S2", "patient": "P2", "reason": "wrong stain"}],
    )
    assert table.index.tolist() == ["S1", "S2", "S3"]
    assert table["status"].tolist() == ["skipped", "excluded", "ok"]
    assert table["reason"].tolist() == ["torn", "wrong stain", ""]
    assert table["mpp"].isna().tolist() == [True, True, False]


def test_a_cohort_without_a_usable_slide_is_an_error_with_a_reason(tmp_path):
    with pytest.raises(InputError, match=r"none of 1 slides.*torn"):
        collect(tmp_path, {"S1": {"status": "skipped", "reason": "torn"}})


def test_a_slide_without_tiles_is_not_usable_either(tmp_path):
    store = tmp_path / "zarr.json"
    write_json({"attributes": {"status": "skipped", "reason": "no tile has 5% tissue"}}, store)
    table = collect(tmp_path, {"S1": GOOD, "S2": GOOD}, stores={"S1": [store]})
    assert table["status"].tolist() == ["skipped", "ok"]
    assert table.loc["S1", "reason"] == "no tile has 5% tissue"
