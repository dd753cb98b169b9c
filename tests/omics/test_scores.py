"""Scores of the patients: areas and what a study brings along."""

import logging

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.scores import collect_scores
from histoniche.score_table import DTYPES
from histoniche.tables import read_table, write_table

PATIENTS = ["P1", "P2", "P3", "P4"]
TEXT = "patient\tHTI\trisk\nP1\t0.5\t-2\nP2\tNA\t1e3\nP3\t\t0\nP4\t0.25\t7\nP9\t0.1\t3\n"


@pytest.fixture
def collect(tmp_path):
    """Collects scores from a text or table, and areas of two regions."""
    write_table(pd.DataFrame({"patient": PATIENTS}), tmp_path / "patients.parquet")
    areas = pd.DataFrame(
        {
            "patient": ["P1", "P2"] * 2,
            "region": ["LE"] * 2 + ["CT"] * 2,
            "area": [1.0, 2, 3, np.nan],
        }
    )
    write_table(areas, tmp_path / "areas.parquet")

    def run(table, name="scores.tsv", areas=True):
        path = None if table is None else tmp_path / name
        if isinstance(table, pd.DataFrame):
            table.to_parquet(path)
        elif table is not None:
            path.write_text(table)
        collect_scores(
            path,
            tmp_path / "areas.parquet" if areas else None,
            tmp_path / "patients.parquet",
            scores=tmp_path / "out.parquet",
            regions=["LE", "CT"],
            min_shared=2,
        )
        return read_table(tmp_path / "out.parquet")

    return run


def test_areas_and_scores_stand_in_one_table_without_strangers(collect, caplog):
    with caplog.at_level(logging.INFO):
        found = collect(TEXT)
    assert list(found) == list(DTYPES)
    assert found["score"].unique().tolist() == ["LE", "CT", "HTI", "risk"]
    assert set(found.loc[found["kind"] == "area", "score"]) == {"LE", "CT"}
    assert set(found["patient"]) == set(PATIENTS)
    wide = found.pivot(index="patient", columns="score", values="value")
    assert wide["risk"].tolist() == [-2, 1000, 0, 7]
    np.testing.assert_equal(wide["HTI"].to_numpy(), [0.5, np.nan, np.nan, 0.25])
    np.testing.assert_equal(wide["CT"].to_numpy(), [3, np.nan, np.nan, np.nan])
    assert "1 patients of scores.tsv are not in the sheet" in caplog.text
    assert "HTI: 2 patients, risk: 4 patients" in caplog.text


def test_tables_that_say_the_same_give_the_same(collect):
    expected = collect(TEXT)
    frame = pd.DataFrame(
        {
            "HTI": [0.5, None, None, 0.25, 0.1],
            "risk": [-2, 1000, 0, 7, 3],
            "patient": [*PATIENTS, "P9"],
        }
    )
    for table, name in (
        (TEXT.replace("\t", ","), "scores.csv"),
        (f"# made by hand\n{TEXT}\n", "scores.tsv"),
        (frame, "scores.parquet"),
        (frame.set_index("patient"), "indexed.parquet"),
    ):
        pd.testing.assert_frame_equal(collect(table, name), expected)


def test_either_source_will_do(collect):
    assert collect(None)["score"].unique().tolist() == ["LE", "CT"]
    assert collect(TEXT, areas=False)["score"].unique().tolist() == ["HTI", "risk"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("patient", "id", "scores.tsv, row 1: not one column patient; the first are id, HTI, risk"),
        ("P2", "P1", "row 3, column patient, value 'P1': empty, or this patient stands twice"),
        ("P2", "", "row 3, column patient, value '': empty"),
        ("0.25", "high", "row 5, column HTI, value 'high': not a finite number"),
        ("1e3", "inf", "row 3, column risk, value 'inf': not a finite number"),
        ("\tHTI", "\tCT", "row 1, column CT: the name of a region, of another score"),
        ("\tHTI", "\tLEneg", "column LEneg: the name of a region.*rename the column"),
        ("\tHTI", "\trisk", "column risk: the name of a region, of another score"),
        ("\tHTI", "\triskpos", "column riskpos: .*or of its signature"),
        ("\tHTI", "\t", "no name for a score"),
        ("\tHTI", "\tHTI; rm", "column HTI; rm: no name for a score"),
        ("0.5", "NA", "column HTI: only 1 patients of the sheet have this score, 2 are needed"),
        ("0.25", "0.5", "column HTI, value 0.5: the score is the same in all patients"),
        ("P3\t\t0", "P3\t0", "row 4: 2 cells under 3 columns"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_nothing_is_written(
    collect, tmp_path, old, new, problem
):
    with pytest.raises(InputError, match=problem):
        collect(TEXT.replace(old, new, 1))
    assert not (tmp_path / "out.parquet").exists()


def test_files_that_are_no_table_say_so(collect, tmp_path):
    with pytest.raises(InputError, match=r"no table of patients by scores; .* column patient"):
        collect("patient\nP1\n")
    with pytest.raises(InputError, match=r"s\.parquet: not a Parquet file"):
        collect(TEXT, "s.parquet")
    with pytest.raises(InputError, match=r"mend scores\.path"):
        collect_scores(
            tmp_path / "none.tsv", None, tmp_path / "patients.parquet",
            scores=tmp_path / "out.parquet", regions=[], min_shared=3,
        )  # fmt: skip


def test_risks_of_networks_stand_beside_the_other_scores(collect, tmp_path):
    collect(TEXT)
    risks = {name: tmp_path / f"{name}.parquet" for name in ("dls", "slide_signature")}
    table = pd.DataFrame({"patient": ["P1", "P3"], "log_hazard": 0.0, "dls": [0.2, 0.9]})
    write_table(table, risks["dls"])
    write_table(table.rename(columns={"dls": "slide_signature"}), risks["slide_signature"])

    def run(own, risks):
        collect_scores(
            own,
            tmp_path / "areas.parquet",
            tmp_path / "patients.parquet",
            scores=tmp_path / "out.parquet",
            regions=["LE", "CT"],
            min_shared=2,
            risks=risks,
        )
        return read_table(tmp_path / "out.parquet")

    found = run(None, risks)
    assert found["score"].unique().tolist() == ["LE", "CT", "dls", "slide_signature"]
    own = found[found["score"] == "dls"]
    assert own["value"].tolist() == [0.2, 0.9] and set(own["kind"]) == {"score"}
    (tmp_path / "own.tsv").write_text(TEXT.replace("risk", "dls"))
    with pytest.raises(InputError, match=r"own\.tsv, column dls: a score of the study has this"):
        run(tmp_path / "own.tsv", risks)
