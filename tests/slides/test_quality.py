import pytest

from histoniche.errors import InputError
from histoniche.files import write_json
from histoniche.slides.artefact_kinds import KINDS
from histoniche.slides.judging import judge
from histoniche.slides.quality_table import check_slides, collect_quality
from histoniche.tables import read_table
from slide_settings import SLIDES

GOOD = {
    "readable": True, "width_px": 600, "height_px": 400, "mpp": 0.5,
    "mpp_source": "sheet", "reader": "openslide", "vendor": "", "tissue_mm2": 3.0,
    "tissue_share": 0.4, "blank_share": 0.6, **{f"{kind}_share": 0.0 for kind in KINDS},
}  # fmt: skip
TORN = {"readable": False, "reason": "torn"}
LIMITS = SLIDES["limits"]


def collect(tmp_path, reports, excluded=(), stores=None):
    paths = {}
    for slide, content in reports.items():
        paths[slide] = tmp_path / f"{slide}.json"
        write_json(content, paths[slide])
    out = tmp_path / "quality.parquet"
    collect_quality(
        paths,
        out,
        stores=stores or {},
        patients=dict.fromkeys(reports, "P1"),
        excluded=excluded,
        limits=LIMITS,
    )
    return read_table(out).set_index("slide")


def test_every_slide_has_a_row_with_its_reason(tmp_path):
    table = collect(
        tmp_path,
        {"S3": GOOD, "S1": TORN},
        [{"slide": "S2", "patient": "P2", "reason": "wrong stain"}],
    )
    assert table.index.tolist() == ["S1", "S2", "S3"]
    assert table["status"].tolist() == ["skipped", "excluded", "ok"]
    assert table["reason"].tolist() == ["torn", "wrong stain", ""]
    assert table["mpp"].isna().tolist() == [True, True, False]


def check(tmp_path, on_bad_slide="skip"):
    out = tmp_path / "counts.parquet"
    check_slides(tmp_path / "quality.parquet", out, on_bad_slide=on_bad_slide)
    return read_table(out).set_index("status")


def test_a_cohort_without_a_usable_slide_is_an_error_after_its_table(tmp_path):
    assert collect(tmp_path, {"S1": TORN}).at["S1", "reason"] == "torn"
    with pytest.raises(InputError, match=r"quality.tsv.*1 of 1 slides cannot.*S1: torn"):
        check(tmp_path)
    assert not (tmp_path / "counts.parquet").exists()


def test_a_bad_slide_stops_the_run_or_not_as_the_config_says(tmp_path):
    collect(tmp_path, {"S1": TORN, "S2": GOOD})
    assert check(tmp_path)["slides"].to_dict() == {"ok": 1, "skipped": 1}
    with pytest.raises(InputError, match=r"1 of 2 slides.*S1: torn.*on_bad_slide: skip"):
        check(tmp_path, on_bad_slide="fail")


def test_what_a_person_excluded_stops_no_run(tmp_path):
    excluded = [{"slide": "S2", "patient": "P2", "reason": "wrong stain"}]
    collect(tmp_path, {"S1": GOOD}, excluded)
    assert check(tmp_path, on_bad_slide="fail")["slides"].to_dict() == {"excluded": 1, "ok": 1}


@pytest.mark.parametrize(
    ("changes", "limits", "verdict"),
    [
        ({}, {}, ("ok", "", "")),
        ({"pen_share": 0.6}, {}, ("ok", "", "pen 60% of the tissue")),
        (
            {"pen_share": 0.6},
            {"on_flagged": "exclude"},
            ("skipped", "flagged: pen 60% of the tissue", "pen 60% of the tissue"),
        ),
        ({"pen_share": 0.6}, {"max_share": {**LIMITS["max_share"], "pen": 0.7}}, ("ok", "", "")),
        ({"blank_share": 0.995}, {}, ("ok", "", "blank 100% of the slide")),
        ({"tissue_mm2": 0.2}, {}, ("skipped", "only 0.2 mm² of tissue, less than 0.5 mm²", "")),
        ({"readable": False, "reason": "torn"}, {}, ("skipped", "torn", "")),
    ],
)
def test_a_slide_is_judged_by_what_was_measured(changes, limits, verdict):
    assert judge({**GOOD, **changes}, {**LIMITS, **limits}) == verdict


def test_a_slide_without_tiles_is_not_usable_either(tmp_path):
    store = tmp_path / "zarr.json"
    write_json({"attributes": {"status": "skipped", "reason": "no tile has 5% tissue"}}, store)
    table = collect(tmp_path, {"S1": GOOD, "S2": GOOD}, stores={"S1": [store]})
    assert table["status"].tolist() == ["skipped", "ok"]
    assert table.loc["S1", "reason"] == "no tile has 5% tissue"
