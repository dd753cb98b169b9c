import pandas as pd
import pytest

from histoniche.cohort.sheets import read_patients, read_slides
from histoniche.errors import InputError

COVARIATES = {"age": "numeric", "sex": "categorical"}


def patients_of(tmp_path, text, **changes):
    path = tmp_path / "patients.tsv"
    path.write_text(text)
    return read_patients(path, **{"covariates": {}, "time_unit": "days", **changes})


def slides_of(tmp_path, text, **changes):
    path = tmp_path / "slides.tsv"
    path.write_text(text)
    (tmp_path / "a.svs").touch()
    patients = pd.DataFrame({"patient": ["P1", "P2"]})
    return read_slides(path, root=tmp_path, patients=patients, **changes)


def test_times_are_brought_to_days_and_empty_cells_stay_empty(tmp_path):
    table = patients_of(
        tmp_path,
        "patient\ttime\tevent\tage\tsex\nP2\t2\t1\t61\tF\n007\t\t\tNA\t\n",
        time_unit="months",
        covariates=COVARIATES,
    )
    assert table["patient"].tolist() == ["007", "P2"]
    assert table["time_days"].iloc[1] == pytest.approx(60.875)
    assert table["event"].iloc[1] == 1
    assert table.iloc[0][["time_days", "age", "sex"]].isna().all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient\ttime\tevent\n", ["is empty"]),
        ("", ["is empty"]),
        ("patient,time,event\nP1,1,1\n", ["tabs"]),
        ("patient\ttime\tevent\nP1\t5\t2\n", ["row 2", "column event", "'2'", "0, 1"]),
        ("patient\ttime\tevent\nP1\tlong\t1\n", ["row 2", "column time", "'long'", "number"]),
        ("patient\ttime\tevent\nP1\t0\t1\n", ["column time", "'0'", "greater than 0"]),
        ("patient\ttime\tevent\nP1\t-3\t1\n", ["column time", "'-3'"]),
        ("patient\ttime\tevent\nP1\tinf\t1\n", ["column time", "'inf'"]),
        ("patient\ttime\tevent\nP1\t5\t\n", ["column event", "stand together"]),
        ("patient\ttime\tevent\nP1\t5\t1\n\nP1\t6\t1\n", ["row 4", "'P1'", "row 2 already"]),
        ("patient\ttime\tevent\nP1\t5\t1\np1\t6\t1\n", ["row 3", "'p1'", "case"]),
        ("patient\ttime\tevent\nP1\t90000\t1\n", ["human life", "time_unit"]),
        ("patient\ttime\tevnt\nP1\t5\t1\n", ["column evnt", "did you mean event?"]),
        ("patient\ttime\tevent\nP1\t5\n", ["row 2", "2 cells under 3 columns"]),
        ("patient\ttime\tevent\n../x\t5\t1\n", ["row 2", "'../x'", "letters"]),
        ("patient\ttime\tevent\nA; touch B\t5\t1\n", ["'A; touch B'", "letters"]),
        ("patient\ttime\tevent\na..b\t5\t1\n", ["'a..b'", "two dots"]),
        ("patient\ttime\tevent\n\t5\t1\n", ["row 2", "column patient", "empty"]),
    ],
)
def test_a_bad_sheet_of_patients_gives_one_line(tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        patients_of(tmp_path, text)
    line = str(caught.value)
    assert "\n" not in line
    assert "patients.tsv" in line
    for word in words:
        assert word in line


def test_a_declared_covariate_must_be_a_column(tmp_path):
    with pytest.raises(InputError, match=r"column age.*missing column"):
        patients_of(tmp_path, "patient\tsex\nP1\tF\n", covariates=COVARIATES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slide\tpatient\tpath\nS\tP3\ta.svs\n", ["row 2", "column patient", "'P3'", "no such"]),
        ("slide\tpatient\tpath\nS\tP1\tb.svs\n", ["row 2", "column path", "no such file"]),
        ("slide\tpatient\tpath\tmpp\nS\tP1\ta.svs\thalf\n", ["column mpp", "'half'"]),
        ("slide\tpatient\tpath\tmpp\nS\tP1\ta.svs\t0\n", ["column mpp", "'0'", "0.02"]),
        ("slide\tpatient\tpath\nS\tP1\ta.svs\nS\tP2\ta.svs\n", ["row 3", "'S'", "row 2"]),
        ("slide\tpatient\tpath\n../x\tP1\ta.svs\n", ["column slide", "'../x'"]),
        ("slide\tpatient\tpath\nS\tP1\t{a}.svs\n", ["column path", "'{a}.svs'"]),
        ("slide\tpatient\tpath\trole\nS\tP1\ta.svs\ttset\n", ["column role", "test, apply"]),
        ("slide\tpatient\nS\tP1\n", ["column path", "missing column"]),
    ],
)
def test_a_bad_sheet_of_slides_gives_one_line(tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        slides_of(tmp_path, text)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_columns_that_nobody_names_are_left_alone_and_slips_are_not(tmp_path):
    text = "patient\tage\tmgmt status\tnote\nP1\t61\tmethylated\tcalled twice\n"
    assert "note" not in patients_of(tmp_path, text)
    named = patients_of(tmp_path, text, labels=["mgmt status", "age", "idh"])
    assert named.loc[0, ["age", "mgmt status"]].tolist() == ["61", "methylated"]
    assert named["idh"].isna().all()
    kept = patients_of(tmp_path, text, labels=["age"], covariates={"age": "numeric"})
    assert kept["age"].tolist() == [61.0]
    with pytest.raises(InputError, match=r"column Event.*did you mean event"):
        patients_of(tmp_path, "patient\ttime\tEvent\nP1\t5\t1\n")
    # Where the column itself is there, one of a similar name is another.
    assert len(patients_of(tmp_path, "patient\ttime\tevent\tevent2\nP1\t5\t1\t0\n")) == 1


def test_labels_of_slides_are_read_as_text(tmp_path):
    text = "slide\tpatient\tpath\tgrade\tblock\nS1\tP1\ta.svs\t4\tx\n"
    slides = slides_of(tmp_path, text, labels=["grade", "site"])
    assert slides["grade"].tolist() == ["4"] and "block" not in slides
    assert list(slides.columns).count("site") == 1


def test_an_excluded_slide_needs_no_file(tmp_path):
    slides = slides_of(
        tmp_path,
        "slide\tpatient\tpath\texclude\nS2\tP2\tlost.svs\tlost in the mail\nS1\tP1\ta.svs\t\n",
    )
    assert slides["slide"].tolist() == ["S1", "S2"]
    assert slides["path"].iloc[0] == str(tmp_path / "a.svs")
