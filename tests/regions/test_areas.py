import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.files import write_json
from histoniche.regions.cohort_areas import collect_areas, import_areas
from histoniche.tables import read_table, write_table


def report(path, areas):
    rows = [
        {"region": region, "pixels": pixels, "area_mm2": pixels / 100, "tissue_share": 0.5}
        for region, pixels in areas.items()
    ]
    write_json({"status": "ok", "reason": "", "regions": rows}, path)
    return path


def test_a_patients_area_is_the_mean_of_the_sections(tmp_path):
    reports = {
        "S1": report(tmp_path / "1.json", {"LE": 10, "CT": 0}),
        "S2": report(tmp_path / "2.json", {"LE": 30, "CT": 8}),
        "S3": report(tmp_path / "3.json", {}),
    }
    out = tmp_path / "patients.parquet"
    collect_areas(
        reports,
        tmp_path / "slides.parquet",
        out,
        patients={"S1": "P1", "S2": "P1", "S3": "P2"},
        measure="area_mm2",
    )
    table = read_table(out)
    assert table["region"].tolist() == ["LE", "CT"]
    assert table["sections"].tolist() == [2, 2]
    assert table["area"].tolist() == [0.2, 0.04]


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "cohort.parquet"
    write_table(pd.DataFrame({"patient": ["P1", "P2"]}), path)
    return path


def bring(tmp_path, sheet, text, **settings):
    path = tmp_path / "areas.csv"
    path.write_text(text)
    out = tmp_path / "out.parquet"
    columns = {"LE": "blue", "CT": "green"}
    import_areas(path, sheet, out, patient="id", columns=columns, measure="pixels", **settings)
    return read_table(out)


def test_own_areas_keep_their_measure_and_leave_out_strangers(tmp_path, sheet):
    table = bring(tmp_path, sheet, "id,green,blue\nP2,5,1\nP9,7,7\nP1,,3\n")
    assert table["patient"].tolist() == ["P1", "P1", "P2", "P2"]
    assert table["region"].tolist() == ["LE", "CT", "LE", "CT"]
    assert table["pixels"].tolist()[2:] == [1, 5]
    assert np.isnan(table["area"].iloc[1])
    assert table["area_mm2"].isna().all()


SECTIONS = "id,green,blue\nP1,4,2\nP2,5,\nP1,,6\n"


def test_own_sections_are_averaged_by_patient(tmp_path, sheet):
    table = bring(tmp_path, sheet, SECTIONS, rows="sections")
    by_patient = table.pivot(index="patient", columns="region", values="area")
    assert by_patient.loc["P1"].to_dict() == {"CT": 4, "LE": 4}
    assert np.isnan(by_patient.loc["P2", "LE"])
    assert table["sections"].tolist() == [2, 2, 1, 1]


def test_an_empty_cell_can_say_that_the_region_is_absent(tmp_path, sheet):
    table = bring(tmp_path, sheet, SECTIONS, rows="sections", empty="zero")
    by_patient = table.pivot(index="patient", columns="region", values="area")
    assert by_patient.loc["P1"].to_dict() == {"CT": 2, "LE": 4}
    assert by_patient.loc["P2", "LE"] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,green\nP1,1\n", ["column blue", "missing"]),
        ("id,green,blue\nP1,1,x\n", ["row 2", "column blue", "'x'"]),
        ("id,green,blue\nP1,1,-1\n", ["row 2", "column blue", "'-1'"]),
        ("id,green,blue\nP1,1,1\nP1,2,2\n", ["row 3", "'P1'", "twice"]),
        ("id,green,blue\nP8,1,1\n", ["'P8'", "no patient"]),
    ],
)
def test_a_bad_table_gives_one_line(tmp_path, sheet, text, words):
    with pytest.raises(InputError) as caught:
        bring(tmp_path, sheet, text)
    for word in words:
        assert word in str(caught.value)
