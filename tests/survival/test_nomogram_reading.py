"""A nomogram read for one patient, as the command `histoniche predict` does."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.model_fitting import estimate_model
from histoniche.survival.nomogram import make_nomogram, probability, write_nomogram
from histoniche.survival.nomogram_reading import predict

PATIENT = {"age": "61", "mgmt": "methylated"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": np.linspace(40, 80, 60)})
    table["mgmt"] = rng.choice(["methylated", "unmethylated"], 60)
    table["time_days"], table["event"] = rng.exponential(500, 60) + 1, np.resize([1, 1, 0], 60)
    declared = {"age": {"type": "numeric", "unit": "years"}, "mgmt": {"type": "categorical"}}
    model = estimate_model(table, covariates=list(declared), declared=declared)
    nomogram = make_nomogram(model, table, name="clinical", days=[365, 730])
    write_nomogram(nomogram, tmp_path / "n.json")
    shares = [probability(nomogram, PATIENT, days) for days in (365, 730)]
    (tmp_path / "shares").write_text(" ".join(f"{100 * share:.1f}" for share in shares))
    return tmp_path / "n.json"


def test_probability_is_that_of_the_nomogram_with_its_size(path: Path) -> None:
    lines = predict(path, [f"{name}={value}" for name, value in PATIENT.items()])
    shares = (path.parent / "shares").read_text().split()
    assert lines[0] == "model clinical, n = 60 patients, 40 deaths; for research only"
    assert lines[1].startswith("total points ")
    assert lines[2:] == [
        f"alive after {days} days: {share} %"
        for days, share in zip((365, 730), shares, strict=True)
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "age, mgmt: not set; set every covariate, say --set age=40"),
        (["age=61"], "mgmt: not set; set every covariate, say --set mgmt="),
        (["age=61", "age=62"], "column age, value '62': set twice"),
        (["agee=61"], "value 'agee': the nomogram has no such covariate; did you mean age?"),
        (["age"], "value 'age': no covariate and its value; write NAME=VALUE"),
        (["age=", "mgmt=methylated"], "value 'age=': no covariate and its value"),
        (["age=old", "mgmt=methylated"], "column age, value 'old': not a finite number"),
        (["age=61", "mgmt=x"], "value 'x': unknown level; choose among .*methylated"),
        (["age=99", "mgmt=methylated"], "value '99': outside the range .* 40 to 80 years"),
    ],
)
def test_what_cannot_be_read_off_is_one_line(path: Path, settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        predict(path, settings)


def test_value_beyond_the_range_is_read_on_request_with_one_warning(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = predict(path, ["age=99", "mgmt=methylated"], extrapolate=True)
    assert len(lines) == 4
    assert caplog.messages == ["age 99 is outside the range seen, 40 to 80 years"]


def test_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: no such nomogram"):
        predict(tmp_path / "none.json", [])
