"""Risks of patients and uploaded slides: group by the run's cut-point, or why there is none."""

import pandas as pd
import pytest

from histoniche.tables import write_table
from histoniche.viewer.index import Index
from histoniche.viewer.risks import risks_of

CUT = {
    "score": "deadly", "kind": "score", "rule": "median", "cut": 0.5, "n": 40, "events": 23,
    "note": "",
}  # fmt: skip
MEASURED = {
    "cohort": "all folds", "fold": pd.NA, "patients": 40, "events": 23, "seen": 0,
    "concordance": 0.613, "low": 0.52, "high": 0.7, "p": 0.01,
}  # fmt: skip
RISKS = {"P1": 0.5, "P2": 0.5001, "P3": 0.1}


@pytest.fixture
def write(copied):
    """Writes tables of a run beside the others, and reads the whole anew."""

    def scored(risks, place="slide_signature/scores", **changes):
        rows = [
            {
                "patient": patient, "cohort": None, "role": "apply", "fold": pd.NA,
                "log_hazard": 0.0, "deadly": risk, **changes,
            }
            for patient, risk in risks.items()
        ]  # fmt: skip
        columns = ["patient", "cohort", "role", "fold", "log_hazard", "deadly"]
        write_table(pd.DataFrame(rows, columns=columns), copied.results / f"{place}.parquet")

    def write(risks, *, cut=CUT, measured=MEASURED, **changes):
        scored(risks, **changes)
        tables = {"survival/cut_points": cut, "slide_signature/performance": measured}
        for name, row in tables.items():
            if row:
                write_table(pd.DataFrame([row]), copied.results / f"{name}.parquet")
        return Index(copied.results)

    return write


def words(found):
    return " ".join(found.notes)


def test_who_is_above_the_runs_cut_point_is_high_and_who_is_on_it_is_low(write):
    index = write(RISKS)
    groups = {
        patient: dict(risks_of(index, patient, run=index)[0].pairs)["group"] for patient in RISKS
    }
    assert groups == {
        "P1": "low, at or below 0.5",
        "P2": "high, above 0.5",
        "P3": "low, at or below 0.5",
    }
    (found,) = risks_of(index, "P1", run=index)
    assert found.score == "deadly"
    assert "40 training patients of the run (23 died; rule: median)" in words(found)
    assert "0.61 (0.52 to 0.70) in all folds (40 patients)" in words(found)


def test_an_uploads_risk_is_cut_where_the_run_was(write, made, tmp_path):
    run = write(RISKS)
    (found,) = risks_of(run, "P2", run=run)
    other = Index(made.results)
    (without,) = risks_of(run, "P2", run=other)
    assert dict(found.pairs)["group"].startswith("high")
    assert dict(without.pairs) == {"risk": "0.5001"}
    assert "No group: the run divided no patients by this score" in words(without)
    assert "has not measured" in words(without)


def test_a_cut_point_that_was_not_found_says_why(write):
    note = "fewer than 10 patients in the training cohort"
    index = write(RISKS, cut={**CUT, "cut": float("nan"), "note": note})
    (found,) = risks_of(index, "P1", run=index)
    assert "group" not in dict(found.pairs)
    assert f"No group: the run found no cut-point, {note}." in found.notes


def test_a_measure_in_patients_whom_the_networks_knew_is_none(write):
    index = write(RISKS, measured={**MEASURED, "cohort": "training", "seen": 12})
    (found,) = risks_of(index, "P1", run=index)
    assert "0.61" not in words(found)
    assert "has not measured" in words(found)


def test_a_patient_whom_the_networks_know_is_marked(write):
    index = write(RISKS, role="train")
    (found,) = risks_of(index, "P1", run=index)
    assert "the risk is no test" in words(found)


def test_who_has_nothing_to_look_at_has_no_risk_and_is_told_so(write):
    index = write({"P1": 0.5})
    (found,) = risks_of(index, "P3", run=index)
    assert found.pairs == []
    assert found.notes == ["No risk: the networks found nothing to look at on the slides."]


def test_a_run_without_networks_of_risk_says_nothing(made):
    index = Index(made.results)
    assert risks_of(index, "P1", run=index) == []


def test_a_patients_page_shows_the_risk(write, browse):
    text = browse(write(RISKS)).get("/patients/P2").text
    assert "<h2>Risk: deadly</h2>" in text
    assert "high, above 0.5" in text
