"""Survival from follow-up, and against what a source states."""

import pandas as pd
import pytest

from histoniche.cohort.importers import import_cbioportal
from histoniche.cohort.sources.follow_up import (
    Survival,
    compare_survival,
    complete_survival,
    only_the_dead,
    survival_of,
)
from histoniche.cohort.sources.gdc_patients import sheet_of
from source_services import case


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"dead": 400}, (400, 1, "")),
        ({"alive": 300}, (300, 0, "")),
        (
            {"alive": 300, "follow_ups": [{"days_to_follow_up": 900}, {"days_to_follow_up": None}]},
            (900, 0, ""),
        ),
        ({"dead": 400, "follow_ups": [{"days_to_follow_up": 900}]}, (400, 1, "")),
        ({"alive": None}, (None, None, "alive without follow-up")),
        ({"alive": 0}, (None, None, "follow-up is not after diagnosis")),
        ({"dead": -3}, (None, None, "day of death is not after diagnosis")),
    ],
)
def test_time_is_to_death_or_to_the_last_follow_up(facts, expected):
    assert survival_of(case("TCGA-02-0001", **facts))[1:] == expected


def test_the_last_known_disease_status_counts_too():
    one = case("P", alive=10)
    one["diagnoses"] = [
        {"days_to_last_follow_up": 10},
        {"days_to_last_known_disease_status": "55"},
        {"days_to_last_follow_up": None},
    ]
    assert survival_of(one).time == 55


def test_the_dead_without_a_day_and_the_unknown_have_no_time():
    one = case("P", dead=1)
    one["demographic"]["days_to_death"] = None
    assert survival_of(one).reason == "dead without day of death"
    one["demographic"]["vital_status"] = "Not Reported"
    assert survival_of(one) == ("P", None, None, "vital status unknown")
    assert survival_of({"submitter_id": "P"}).reason == "vital status unknown"


STATED = pd.DataFrame(
    {
        "patient": ["A", "B", "C", "D", "E"],
        "time": [365.25, 100.0, 100.0, 50.0, 1000.0],
        "event": [1, 1, 0, 1, 0],
    }
)


def test_times_are_set_beside_stated_ones():
    own = [
        Survival("A", 365, 1, ""),
        Survival("B", 130, 1, ""),
        Survival("C", 100, 1, ""),
        Survival("D", None, None, "x"),
        Survival("E", 1009, 0, ""),
        Survival("F", 7, 1, ""),
        Survival("G", None, None, "x"),
    ]
    table = compare_survival(own, STATED).set_index("patient")
    assert table["verdict"].to_dict() == {
        "A": "agrees",
        "B": "another time",
        "C": "another event",
        "D": "only there",
        "E": "agrees",
        "F": "only here",
    }


def test_gaps_are_filled_from_another_source():
    own = [Survival("A", 1, 1, ""), Survival("D", None, None, "x"), Survival("Z", None, None, "y")]
    done = complete_survival(own, STATED)
    assert done == [own[0], ("D", 50.0, 1, ""), own[2]]


def test_a_study_of_the_dead_alone_is_warned_of():
    cases = [case("A", dead=5), case("B", alive=None), case("C", alive=None), case("D", alive=9)]
    assert "only 1 of 3 living" in only_the_dead(cases, map(survival_of, cases))
    assert only_the_dead(cases[:1] + cases[3:], map(survival_of, cases)) is None


def test_the_real_clinical_file_agrees_with_itself_in_days(real_data, tmp_path):
    """OS_MONTHS of cBioPortal against the same patients' days to death or last contact."""
    clinical = real_data / "tcga_gbm" / "data_clinical_patient.txt"
    import_cbioportal(clinical, tmp_path / "p.tsv")
    stated = pd.read_csv(tmp_path / "p.tsv", sep="\t")
    raw = pd.read_csv(clinical, sep="\t", comment="#", dtype=str).set_index("PATIENT_ID")
    own = []
    for patient, row in raw.iterrows():
        months = pd.to_numeric(row["OS_MONTHS"], errors="coerce")
        dead = str(row["OS_STATUS"]).endswith("DECEASED")
        days = None if pd.isna(months) or months == 0 else round(months * 30.4)
        facts = {"dead": days} if dead else {"alive": days}
        own.append(survival_of(case(str(patient), **facts)))
    verdicts = compare_survival(own, stated)["verdict"].value_counts()
    assert verdicts.to_dict() == {"agrees": verdicts.sum()}
    assert verdicts.sum() > 500


@pytest.mark.parametrize("day", ["nan", float("nan"), float("inf"), "soon", True, {}])
def test_a_day_that_is_no_number_is_none(day):
    got = survival_of(case("P1", dead=day))
    assert got.time is None and got.reason == "dead without day of death"
    assert survival_of(case("P1", alive=day)).time is None


@pytest.mark.parametrize(
    ("days", "years"), [(20000, "54.8"), ("much", ""), ("inf", ""), (-5, ""), (None, "")]
)
def test_an_age_that_is_none_stays_empty(days, years):
    one = case("P1", dead=1)
    one["diagnoses"][0]["age_at_diagnosis"] = days
    assert sheet_of([one])["age"].tolist() == [years]
