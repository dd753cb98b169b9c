"""Added value of a model, against R."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.errors import InputError
from histoniche.survival.added_value import (
    added_value,
    corrected_added_value,
    improvements,
)
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.follow_up import counted, resamples
from histoniche.survival.model_fitting import estimate_model
from histoniche.survival.nested import compare_nested
from histoniche.survival.observations import observations
from survival.clinical_data import STUDIES, Study

# R's numbers and the calls that made them: r/clinical.R, r/clinical.tsv. On the same predictions
# nricens.km.main of nricens has the same NRI to 12 digits, and IDI.FUN of survIDINRI, which
# integrates on a grid, the IDI to 0.0001.

NRI = {"NRI, categories": "nri_categorical", "NRI, continuous": "nri_continuous", "IDI": "idi"}


@pytest.fixture(params=list(STUDIES))
def study(request: pytest.FixtureRequest) -> Study:
    return STUDIES[request.param]


def risks(study: Study) -> tuple[Any, ...]:
    time, event = observations(study.patients["time_days"], study.patients["event"])
    models = (study.fit(names) for names in (study.old, study.new))
    return (
        time,
        event,
        *(model.death_by(study.patients, study.days[0]).to_numpy() for model in models),
    )


def test_every_part_equals_r(study: Study) -> None:
    setting: dict[str, Any] = {"days": study.days[0], "cuts": study.nri_cuts, "seed": 1}
    table = added_value(*risks(study), **setting, bootstraps=50)
    for measure, what in NRI.items():
        found = table[table["measure"] == measure].set_index("part")["value"]
        expected = study.r(what)
        np.testing.assert_allclose(found[expected.index], expected, atol=1e-9)
    assert (table["n"] == len(study.patients)).all()


def test_likelihood_ratio_and_aic_equal_r(study: Study) -> None:
    found = compare_nested(study.fit(study.old), study.fit(study.new))
    expected = study.r("likelihood_ratio")
    assert found.chi2 == pytest.approx(expected["chi2"], abs=1e-8)
    assert found.df == expected["df"]
    assert found.p == pytest.approx(expected["p"], rel=1e-7)
    assert found.aic == pytest.approx(expected["aic"], abs=1e-8)


def test_weights_of_a_sample_are_its_patients() -> None:
    time, event, old, new = risks(STUDIES["lung"])
    sample = resamples(len(time), 1, np.random.default_rng(2))
    cuts = np.array([0.5, 0.65])
    found = improvements(time, event, old, new, days=365, cuts=cuts, weights=counted(sample))
    [who] = sample
    expected = improvements(time[who], event[who], old[who], new[who], days=365, cuts=cuts)
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


def test_better_model_turned_around_is_worse_by_as_much() -> None:
    time, event, old, new = risks(STUDIES["gbsg2"])
    cuts = np.array([0.25, 0.4])
    there = improvements(time, event, old, new, days=1095, cuts=cuts)
    back = improvements(time, event, new, old, days=1095, cuts=cuts)
    np.testing.assert_allclose(there, -back, atol=1e-12)
    assert (there[[2, 5, 8]] > 0).all()


DECLARED = {name: {"type": "numeric"} for name in ("age", "truth", "score")}


def cohort(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Survival from age and something true; a score that says nothing; nothing to do by 300."""
    table = pd.DataFrame(rng.normal(size=(n, 3)), columns=list(DECLARED))
    died = rng.exponential(400 / np.exp(0.6 * table["age"] + 0.8 * table["truth"]))
    seen = rng.exponential(900, n)
    table["time_days"], table["event"] = np.minimum(died, seen), (died <= seen).astype(int)
    return table


def models(table: pd.DataFrame, added: str) -> tuple[CoxModel, CoxModel]:
    old, new = (
        estimate_model(table, covariates=names, declared=DECLARED)
        for names in (["age"], ["age", added])
    )
    return old, new


def test_random_score_adds_nothing_in_new_patients_and_a_true_one_does() -> None:
    rng = np.random.default_rng(6)
    covers = []
    for round_ in range(25):
        training, validation = cohort(rng, 150), cohort(rng, 200)
        follow_up = observations(validation["time_days"], validation["event"])
        for added in ("score", "truth"):
            pair = [model.death_by(validation, 300) for model in models(training, added)]
            setting: dict[str, Any] = {"days": 300, "cuts": [0.4, 0.7], "seed": round_}
            table = added_value(*follow_up, *pair, **setting, bootstraps=100)
            total = table[table["part"] == "total"].set_index("measure")
            if added == "score":
                covers.append((total["low"] <= 0) & (total["high"] >= 0))
            else:
                assert (total["low"] > 0).all()
    share = pd.DataFrame(covers).mean()
    assert share["NRI, continuous"] > 0.8
    assert share["NRI, categories"] > 0.8


def test_p_of_a_random_score_is_uniform() -> None:
    rng = np.random.default_rng(7)
    p = [compare_nested(*models(cohort(rng, 80), "score")).p for _ in range(300)]
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_correction_takes_off_what_a_random_score_seems_to_add() -> None:
    rng = np.random.default_rng(8)
    apparent, corrected, covers = [], [], []
    for seed in range(15):
        table = cohort(rng, 120)
        setting: dict[str, Any] = {"days": 300, "cuts": [0.5], "seed": seed, "bootstraps": 40}
        found = corrected_added_value(*models(table, "score"), table, **setting)
        row = found[(found["measure"] == "IDI") & (found["part"] == "total")].iloc[0]
        apparent.append(row["apparent"])
        corrected.append(row["value"])
        covers.append(row["low"] <= 0 <= row["high"])
    assert np.mean(apparent) > 0.003
    # 15 cohorts: the standard error of the mean is some 0.002.
    assert -0.006 < np.mean(corrected) < np.mean(apparent) / 3
    assert np.mean(covers) > 0.85
    truth = corrected_added_value(*models(table, "truth"), table, **setting)
    assert (truth.loc[truth["part"] == "total", "low"] > 0).all()


def test_models_that_are_not_nested_or_saw_others_are_refused() -> None:
    study = STUDIES["lung"]
    old, new = study.fit(study.old), study.fit(study.new)
    with pytest.raises(InputError, match="value 'karno': the old model is not part of the new"):
        compare_nested(new, old)
    with pytest.raises(InputError, match="not part of the new one; add covariates"):
        compare_nested(old, old)
    fewer = study._replace(patients=study.patients.iloc[:150]).fit(study.new)
    with pytest.raises(InputError, match=r"fitted on different patients \(227 and 150\)"):
        compare_nested(old, fewer)


@pytest.mark.parametrize("cuts", [[], [0.5, 0.4], [0, 0.5], [1], [0.5, 0.5]])
def test_cuts_that_divide_nothing_are_refused(cuts: list[float]) -> None:
    with pytest.raises(InputError, match="cuts of risk are rising numbers between 0 and 1"):
        added_value(*risks(STUDIES["lung"]), days=365, cuts=cuts, seed=1)
