"""Cox models, against R."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.survival.cox import fit_cox

# All R numbers of this file: R 4.2.2, survival 3.5.3, data lung, `Surv(time, status) ~ ...`:
# summary(coxph(..., control = coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)))
# for the estimates, cox.zph(...) of it for ph_p.
# k is ph.karno / sd(ph.karno, na.rm = TRUE), a is age / sd(age).

DECLARED = {
    "age": {"type": "numeric", "per": 10, "unit": "years"},
    "sex": {"type": "categorical", "reference": "male"},
    "ecog": {"type": "categorical"},
}
ESTIMATES = ["hazard_ratio", "low", "high", "p", "ph_p", "concordance"]


def fit(lung: pd.DataFrame, areas: list[str], covariates: list[str], **more: Any) -> pd.DataFrame:
    settings = {"declared": DECLARED, "confidence": 0.95, **more}
    table = fit_cox(lung, lung[areas], covariates=covariates, **settings)
    return table.set_index(["model", "term"])


def check(table: pd.DataFrame, model: str, term: str, numbers: list[float]) -> None:
    assert table.loc[(model, term), ESTIMATES].tolist() == pytest.approx(numbers, rel=1e-7)


def test_univariable_models_equal_r(lung: pd.DataFrame) -> None:
    table = fit(lung, ["karno"], ["age", "sex", "ecog"])
    # ~ k
    numbers = [0.8164637085052, 0.7087742627623, 0.9405152279488]
    more = [0.004957861388741, 0.00817140513739, 0.5977865372953]
    check(table, "univariable", "karno", numbers + more)
    assert table.loc[("univariable", "karno"), ["n", "events"]].tolist() == [227, 164]
    # ~ I(age / 10)
    numbers = [1.205870595606, 1.006924517891, 1.444124030659]
    more = [0.0418531313318, 0.5563181637032, 0.5502398321175]
    check(table, "univariable", "age", numbers + more)
    # ~ factor(sex)
    numbers = [0.5880028171605, 0.4237178292843, 0.8159848113368]
    more = [0.001491229138377, 0.09062506406705, 0.578644948536]
    check(table, "univariable", "sex: female", numbers + more)
    # ~ relevel(factor(ph.ecog), ref = "1"); cox.zph(..., terms = FALSE)
    numbers = [0.691535985288, 0.468508221115, 1.02073346293]
    more = [0.06335906819969, 0.4344863320827, 0.604462525901]
    check(table, "univariable", "ecog: 0", numbers + more)
    numbers = [6.291126608546, 0.8563349766225, 46.218214933671]
    more = [0.070678819474811, 0.09551771789477, 0.604462525901]
    check(table, "univariable", "ecog: 3", numbers + more)
    assert table["note"].eq("").all()


def test_multivariable_model_equals_r(lung: pd.DataFrame) -> None:
    table = fit(lung, ["karno"], ["age", "sex"])
    # ~ k + I(age / 10) + factor(sex)
    model, c = "multivariable: karno", 0.6372801698
    numbers = [0.848545975645, 0.736160537814, 0.978088658384, 0.02347615846637]
    check(table, model, "karno", [*numbers, 0.00463349321561, c])
    numbers = [1.131737476509, 0.941225121186, 1.360811230921, 0.18821197932066]
    check(table, model, "age", [*numbers, 0.48922246962182, c])
    numbers = [0.608249396106, 0.437848974762, 0.844965614147, 0.00303258383246]
    check(table, model, "sex: female", [*numbers, 0.07900282945472, c])
    rows = table.loc["univariable"]
    assert table.loc[model, "n"].tolist() == [227] * 3
    assert rows.loc["age", "unit"] == "per 10 years"
    assert rows.loc["sex: female", "unit"] == "female vs male"
    assert rows.loc["karno", "unit"] == "per SD (12.3)"
    assert rows["kind"].tolist() == ["area", "covariate", "covariate"]


def test_covariate_of_several_levels_is_one_term(
    complete: pd.DataFrame, r_cox: dict[str, np.ndarray]
) -> None:
    # The area is karno in standard deviations: the tests do not see the unit.
    declared = {**DECLARED, "ecog": {"type": "categorical", "reference": "1"}}
    table = fit(complete, ["karno"], ["age", "ecog", "sex"], declared=declared)
    rows = table.loc["multivariable: karno"].loc[["age", "karno", "ecog: 0", "sex: female"]]
    drop1 = r_cox["full drop1"].reshape(4, 3)
    assert rows["term_df"].tolist() == drop1[:, 1].tolist()
    assert rows["term_p"].tolist() == pytest.approx(drop1[:, 2], rel=1e-6)
    zph = r_cox["full zph km"].reshape(5, 3)[:, 2]
    assert rows["term_ph_p"].tolist() == pytest.approx(zph[:4], rel=1e-6)
    assert rows["model_ph_p"].tolist() == pytest.approx([zph[4]] * 4, rel=1e-6)
    assert rows["model_p"].tolist() == pytest.approx([r_cox["full logtest"][2]] * 4, rel=1e-6)
    assert rows["aic"].tolist() == pytest.approx([r_cox["full aic"][0]] * 4, rel=1e-10)


def test_levels_come_with_their_patients_and_deaths(complete: pd.DataFrame) -> None:
    row = fit(complete, ["karno"], ["ecog"]).loc[("univariable", "ecog: 2")]
    assert row[["covariate", "level", "reference"]].tolist() == ["ecog", "2", "1"]
    for side, level in (("level", "2"), ("reference", "1")):
        has = complete[complete["ecog"] == level]
        found = row[[f"{side}_n", f"{side}_events"]].tolist()
        assert found == [len(has), has["event"].sum()]


def test_adjusted_q_is_over_the_areas_of_the_multivariable_models(lung: pd.DataFrame) -> None:
    table = fit(lung, ["karno", "female"], ["age"])
    rows = [("multivariable: karno", "karno"), ("multivariable: female", "female")]
    expected = multipletests(table.loc[rows, "p"], method="fdr_bh")[1]
    np.testing.assert_allclose(table.loc[rows, "adjusted_q"], expected)
    assert table["adjusted_q"].notna().sum() == 2


def test_more_terms_than_a_tenth_of_the_events_are_warned_of(lung: pd.DataFrame) -> None:
    table = fit(lung.head(40), ["karno"], ["age", "sex", "ecog"])
    notes = table.loc["multivariable: karno", "note"]
    assert notes.str.fullmatch(r"6 parameters on 36 events: fewer than 10 each").all()
    assert table.loc["multivariable: karno", "hazard_ratio"].notna().all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("time_days", 0, "not greater than 0"), ("event", 3, "neither 0 nor 1")],
)
def test_wrong_follow_up_is_an_error(
    lung: pd.DataFrame, column: str, value: float, message: str
) -> None:
    lung.loc["L7", column] = value
    with pytest.raises(InputError, match=rf"column {column}, .*patient L7 .*{message}"):
        fit(lung, ["karno"], ["age"])


def test_confidence_sets_the_interval(lung: pd.DataFrame) -> None:
    # exp(confint(coxph(Surv(time, status) ~ a), level = 0.8)): 1.06490693956, 1.318936923963
    found = fit(lung, ["age"], [], confidence=0.8).loc[("univariable", "age")]
    assert found[["low", "high"]].tolist() == pytest.approx(
        [1.06490693956, 1.318936923963], rel=1e-8
    )


def test_q_is_over_the_univariable_areas_alone(lung: pd.DataFrame) -> None:
    table = fit(lung, ["karno", "female"], ["age"])
    family = table.loc["univariable"].loc[["karno", "female"]]
    np.testing.assert_allclose(family["q"], multipletests(family["p"], method="fdr_bh")[1])
    assert table["q"].notna().sum() == 2


def test_no_covariate_no_multivariable_model(lung: pd.DataFrame) -> None:
    assert set(fit(lung, ["karno"], []).index.get_level_values("model")) == {"univariable"}


def test_reference_that_nobody_here_has_gives_way_to_the_most_frequent(lung: pd.DataFrame) -> None:
    declared = {"ecog": {"type": "categorical", "reference": "3"}}
    lung.loc[lung["ecog"] == "3", "karno"] = np.nan
    table = fit(lung, ["karno"], ["ecog"], declared=declared)
    assert table.loc["univariable"].loc[["ecog: 1"], "unit"].tolist() == ["1 vs 3"]
    assert table.loc["multivariable: karno"].index.tolist() == ["karno", "ecog: 0", "ecog: 2"]
    assert table.loc[("multivariable: karno", "ecog: 0"), "unit"] == "0 vs 1"


def cohort(n: int, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"time_days": np.arange(n) + 1.0, "event": 1, **columns})


ODD = np.arange(40) % 2


@pytest.mark.parametrize(
    ("patients", "notes"),
    [
        (cohort(40, x=3.0), {"x": "the area does not vary"}),
        (cohort(40, x=np.nan), {"x": "fewer than 5 events"}),
        (cohort(40, x=np.arange(40.0), event=0), {"x": "fewer than 5 events"}),
        (
            cohort(40, x=ODD, event=1 - ODD),
            {"x": "no finite estimate: separation or collinear terms"},
        ),
        (
            cohort(40, x=-np.arange(40.0)),
            {"x": "no finite estimate: separation or collinear terms"},
        ),
    ],
    ids=["constant", "unknown", "nobody died", "deathless level", "perfect order"],
)
def test_degenerate_area_gives_a_row_with_the_reason(
    patients: pd.DataFrame, notes: dict[str, str]
) -> None:
    patients = patients.assign(other=np.random.default_rng(0).random(len(patients)))
    table = fit(patients, ["x", "other"], []).loc["univariable"]
    assert {term: table.loc[term, "note"] for term in notes} == notes
    assert table.loc[list(notes), [*ESTIMATES, "q"]].isna().all(axis=None)
    if patients["event"].sum() == 40:
        assert np.isfinite(table.loc["other", "hazard_ratio"])


def test_degenerate_covariates_give_rows_with_the_reason() -> None:
    rng = np.random.default_rng(1)
    patients = cohort(40, x=rng.random(40), site="one", age=50.0)
    patients["twin"] = 3 * patients["x"] + 1
    numeric = {"type": "numeric"}
    declared = {"site": {"type": "categorical"}, "age": numeric, "twin": numeric}
    table = fit(patients, ["x"], ["site", "age"], declared=declared)
    for model in ("univariable", "multivariable: x"):
        notes = table.loc[model].loc[["site", "age"], "note"]
        assert notes.tolist() == ["the term does not vary"] * 2
    alone, among = table.loc[("univariable", "x")], table.loc[("multivariable: x", "x")]
    assert among["hazard_ratio"] == pytest.approx(alone["hazard_ratio"], rel=1e-9)
    table = fit(patients, ["x"], ["twin"], declared=declared).loc["multivariable: x"]
    assert table["hazard_ratio"].isna().all()
    assert table["note"].str.contains("collinear").all()


def test_covariate_that_nobody_has_gives_rows_with_the_reason() -> None:
    patients = cohort(40, x=np.random.default_rng(7).random(40), site=None, age=np.nan)
    declared = {"site": {"type": "categorical"}, "age": {"type": "numeric"}}
    table = fit(patients, ["x"], ["site", "age"], declared=declared)
    notes = table["note"].to_dict()
    assert notes.pop(("univariable", "x")) == ""
    assert set(notes.values()) == {"fewer than 5 events"}
    assert len(notes) == 5


def test_deaths_at_one_moment_tell_nothing_of_time() -> None:
    patients = cohort(40, x=np.random.default_rng(8).random(40))
    patients["time_days"] = np.where(ODD == 1, 5.0, 9.0)
    patients["event"] = ODD
    row = fit(patients, ["x"], []).loc[("univariable", "x")]
    assert np.isfinite(row["hazard_ratio"])
    assert np.isnan(row["ph_p"])


def test_more_terms_than_events_is_no_model() -> None:
    rng = np.random.default_rng(2)
    patients = cohort(30, x=rng.random(30), site=[f"S{i % 8}" for i in range(30)])
    patients["event"] = (np.arange(30) < 6).astype(int)
    table = fit(patients, ["x"], ["site"], declared={"site": {"type": "categorical"}})
    notes = table.loc["multivariable: x", "note"]
    assert set(notes) == {"as many terms as events"}


def survival(hazard: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    died = rng.exponential(400 / hazard)
    seen = rng.exponential(1200, len(hazard))
    columns = {"time_days": np.minimum(died, seen), "event": (died <= seen).astype(int)}
    return pd.DataFrame(columns)


def test_planted_hazard_is_found_and_the_other_regions_are_not() -> None:
    rng = np.random.default_rng(3)
    areas = pd.DataFrame(rng.normal(size=(400, 4)), columns=["CT", "IT", "LE", "CTne"])
    patients = survival(np.exp(np.log(1.6) * areas["CT"].to_numpy()), rng)
    table = fit_cox(patients, areas, declared={}, covariates=[], confidence=0.95)
    table = table.set_index("term")
    assert table.loc["CT", "q"] < 1e-6
    assert table.loc["CT", "low"] < 1.6 < table.loc["CT", "high"]
    assert table.loc["CT", "concordance"] > 0.58
    assert (table.loc[["IT", "LE", "CTne"], "q"] > 0.05).all()
    assert table.loc["CT", "ph_p"] > 0.05


def test_hazard_that_turns_around_is_noticed() -> None:
    rng = np.random.default_rng(4)
    exposed = rng.random(400) < 0.5
    early, late = (
        rng.exponential(np.where(exposed, 100, 400)),
        rng.exponential(np.where(exposed, 1600, 100)),
    )
    time = np.where(early < 150, early, 150 + late)
    patients = pd.DataFrame({"time_days": time, "event": 1})
    areas = pd.DataFrame({"CT": exposed.astype(float)})
    table = fit_cox(patients, areas, declared={}, covariates=[], confidence=0.95)
    assert table.loc[0, "ph_p"] < 1e-6


def test_shuffled_survival_gives_5_percent() -> None:
    rng = np.random.default_rng(6)
    patients = survival(np.ones(60), rng)
    areas = pd.DataFrame(rng.normal(size=(60, 200)))
    table = fit_cox(patients, areas, declared={}, covariates=[], confidence=0.95)
    assert 0.02 < (table["p"] < 0.05).mean() < 0.09
    assert 0.02 < (table["ph_p"] < 0.05).mean() < 0.09
    assert (table["q"] < 0.05).sum() == 0
