"""The nomogram, against R's rms."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from histoniche.errors import InputError
from histoniche.survival.model_fitting import estimate_model
from histoniche.survival.nomogram import (
    Nomogram,
    make_nomogram,
    nomogram_table,
    probability,
    read_nomogram,
    round_ticks,
    survival_ticks,
    total_points,
    write_nomogram,
)
from survival.clinical_data import STUDIES, Study

# R's numbers and the calls that made them: r/clinical.R, r/clinical.tsv. Both sides fit to the
# last digits, so points and probabilities agree to 1e-8.


@pytest.fixture(params=list(STUDIES))
def study(request: pytest.FixtureRequest) -> Study:
    return STUDIES[request.param]


def nomogram_of(study: Study) -> Nomogram:
    return make_nomogram(study.fit(study.new), study.patients, name="new", days=study.days)


def test_points_of_every_tick_equal_r(study: Study) -> None:
    for axis in nomogram_of(study).axes:
        expected = study.r(f"points:{axis.name}")
        found = dict(zip(axis.labels, axis.points, strict=True))
        # A score with ten values or fewer has ticks at these alone in R.
        assert set(expected.index) == found.keys() or axis.name == "karno"
        for label, points in expected.items():
            assert found[label] == pytest.approx(points, abs=1e-8)


def test_totals_linear_predictor_and_survival_equal_r(study: Study) -> None:
    nomogram = nomogram_of(study)
    assert list(nomogram.totals) == study.r("total_points").tolist()
    for total, expected in study.r("lp").items():
        assert nomogram.linear_predictor(float(total)) == pytest.approx(expected, abs=1e-9)
    for days, base in zip(nomogram.days, nomogram.survival, strict=True):
        for total, expected in study.r(f"survival:{days:g}").items():
            found = base ** np.exp(nomogram.linear_predictor(float(total)))
            assert found == pytest.approx(expected, abs=1e-10)


def test_probability_of_patients_equals_r_and_the_model(study: Study) -> None:
    nomogram, model = nomogram_of(study), study.fit(study.new)
    rows = study.patients.to_dict("records")
    for days in study.days:
        expected = study.r(f"patient:{days:g}")
        found = [probability(nomogram, row, days) for row in rows]
        np.testing.assert_allclose(found[:20], expected, atol=1e-10)
        np.testing.assert_allclose(1 - model.death_by(study.patients, days), found, atol=1e-12)


def test_table_reads_as_the_nomogram_does(study: Study) -> None:
    nomogram = nomogram_of(study)
    table = nomogram_table(nomogram)
    axes = table[table["axis"] == "covariate"]
    assert axes["points"].min() == 0
    assert axes["points"].max() == pytest.approx(100)
    assert axes.groupby("name")["points"].min().tolist() == [0] * len(study.new)
    for days in study.days:
        ticks = table[table["name"] == f"survival {days:g} days"]
        np.testing.assert_allclose(ticks[f"survival_{days:g}d"], ticks["tick"].astype(float))
        assert (np.diff(ticks["points"]) > 0).all()
        assert len(ticks) == len(survival_ticks(nomogram, days)) >= 5


def test_json_brings_the_same_nomogram_back(study: Study, tmp_path: Path) -> None:
    nomogram = nomogram_of(study)
    write_nomogram(nomogram, tmp_path / "n.json")
    assert read_nomogram(tmp_path / "n.json") == nomogram


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": 1, "axes": []}', "no"])
def test_file_that_is_no_nomogram_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "n.json").write_text(content)
    with pytest.raises(InputError, match="this is no nomogram; give a file"):
        read_nomogram(tmp_path / "n.json")


def test_nomogram_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match="another format"):
        read_nomogram(tmp_path / "n.json")


PATIENT = {"age": 60, "sex": "male", "karno": 80}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sex": "other"}, "column sex, value 'other': unknown level; choose among male, female"),
        ({"age": 20}, "column age, value 20: outside the range .*, 39 to 82 years; the nomogram"),
        ({"age": "old"}, "column age, value 'old': not a finite number"),
        ({"age": float("nan")}, "not a finite number"),
        ({"age": None}, "not a finite number"),
    ],
)
def test_patient_that_the_nomogram_cannot_read_is_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        probability(nomogram_of(STUDIES["lung"]), {**PATIENT, **change}, 365)


def test_missing_covariate_and_unknown_day_are_refused() -> None:
    nomogram = nomogram_of(STUDIES["lung"])
    with pytest.raises(InputError, match="column karno: the covariate is missing"):
        probability(nomogram, {"age": 60, "sex": "male"}, 365)
    with pytest.raises(InputError, match="no such day; choose among 365, 730"):
        probability(nomogram, PATIENT, 366)


def test_value_outside_the_range_is_used_on_request_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nomogram = nomogram_of(STUDIES["lung"])
    with caplog.at_level(logging.WARNING):
        old = total_points(nomogram, {**PATIENT, "age": 90}, extrapolate=True)
    assert "age 90 is outside the range seen, 39 to 82 years" in caplog.text
    young = total_points(nomogram, {**PATIENT, "age": 80})
    older = total_points(nomogram, {**PATIENT, "age": 70})
    assert old - young == pytest.approx(young - older)


def test_higher_risk_means_more_points_and_shorter_survival() -> None:
    nomogram = nomogram_of(STUDIES["gbsg2"])
    axes = {axis.name: axis for axis in nomogram.axes}
    assert np.all(np.diff(axes["pnodes"].points) > 0)
    assert np.all(np.diff(axes["progrec"].points) < 0)
    few = {"age": 50, "horTh": "no", "tsize": 25, "tgrade": "II", "pnodes": 1, "progrec": 30}
    assert probability(nomogram, few, 1095) > probability(nomogram, {**few, "pnodes": 20}, 1095)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ((), "needs days"),
        ((730, 365), "rising order"),
        ((365, 365), "rising order"),
        ((-1,), "above 0"),
        ((1e6,), "longest follow-up"),
    ],
)
def test_days_that_make_no_nomogram_are_refused(days: tuple[float, ...], message: str) -> None:
    study = STUDIES["lung"]
    with pytest.raises(InputError, match=message):
        make_nomogram(study.fit(study.new), study.patients, name="x", days=days)


def test_units_of_a_covariate_do_not_change_its_axis() -> None:
    study = STUDIES["lung"]
    tens = study._replace(declared={**study.declared, "age": {"type": "numeric", "per": 10}})
    for one, other in zip(nomogram_of(study).axes, nomogram_of(tens).axes, strict=True):
        assert one.labels == other.labels
        assert one.points == pytest.approx(other.points)
    assert nomogram_of(study).at_zero == pytest.approx(nomogram_of(tens).at_zero)


@pytest.mark.parametrize(
    ("names", "settings"),
    [(["age"], {"strata": ["sex"]}), (["bent"], {}), (["bent", "sex"], {})],
)
def test_strata_and_splines_have_no_axis(names: list[str], settings: dict[str, Any]) -> None:
    study = STUDIES["lung"]
    patients = study.patients.assign(bent=study.patients["age"])
    declared = {**study.declared, "bent": {"type": "numeric", "knots": 3}}
    model = estimate_model(patients, covariates=names, declared=declared, **settings)
    with pytest.raises(InputError, match="value 'x': a nomogram has one scale a covariate"):
        make_nomogram(model, patients, name="x", days=[365])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        # R: pretty(c(low, high), n = 10)
        (39, 82, [35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85]),
        (0, 1, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (-0.83, 0.77, [-1, -0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8]),
        (3, 120, list(range(0, 121, 10))),
        (0.0012, 0.0078, [step / 2000 for step in range(2, 17)]),
    ],
)
def test_ticks_are_those_of_r(low: float, high: float, expected: list[float]) -> None:
    assert round_ticks(low, high) == pytest.approx(expected)
