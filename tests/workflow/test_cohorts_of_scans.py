"""A network learned from the training cohort, and what survival says of it in every cohort."""

import json

import numpy as np
import pandas as pd
import pytest

from histoniche.files import read_json
from histoniche.tables import read_table
from scan_cohort import MAPS, QUICK, TINY, outcomes, write_scans
from study import Study

SIZES = {
    "training": 60, "tuning": 24, "internal validation": 30, "external validation: B": 30,
}  # fmt: skip
MODELS = {"clinical": ["age"], "scan": ["dls"], "both": ["age", "dls"]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Study:
    """Scans of four cohorts, whose tumours' margin tells survival, and age, which does not."""
    folder = tmp_path_factory.mktemp("cohorts")
    table = outcomes(sum(SIZES.values()))
    table["cohort"] = np.repeat(list(SIZES), list(SIZES.values()))
    write_scans(folder / "scans", table)
    sheet = folder / "scans" / "patients.tsv"
    ages = np.random.default_rng(0).integers(40, 80, len(table))
    pd.read_csv(sheet, sep="\t").assign(age=ages).to_csv(sheet, sep="\t", index=False)
    config = {
        "results": "results",
        "cohort": {
            "patients": "scans/patients.tsv",
            "covariates": {"age": {"type": "numeric", "unit": "years", "per": 10}},
        },
        "imaging": {
            "scans": "scans/scans.tsv", "root": "scans", "maps": MAPS, "sample": TINY,
            "training": {**QUICK, "epochs": 30, "patience": 4}, "evaluation": {"bootstraps": 99},
            "scans_per_job": 200,
        },
        "survival": {"cohorts": "sheet"},
        "survival_curves": {
            "scores": ["dls"], "rho": 1, "cut": {"rule": "maximal", "permutations": 99},
        },
        "survival_models": {
            "models": {name: {"covariates": names} for name, names in MODELS.items()},
            "years": [1], "bootstraps": 20,
        },
        "clinical_use": {"scores": ["dls"], "covariates": ["age"], "years": [1], "bootstraps": 20},
    }  # fmt: skip
    # Its jobs are so small that two at a time, or two threads each, take longer.
    study = Study(folder, config, place=("--cores", "1"))
    names = ("imaging/performance", "imaging/activation_groups", "survival/score_groups",
             "survival/model_differences", "survival/clinical/dls/added_value")  # fmt: skip
    study.run("--quiet", "rules", "--", *(f"results/{name}.parquet" for name in names))
    return study


def table(study, name):
    return read_table(study.results / f"{name}.parquet")


def test_one_network_learns_from_training_and_stops_by_tuning(finished):
    (folder,) = (finished.results / "imaging" / "models").glob("[0-9]*")
    description = read_json(folder / "model.json")
    assert description["patients"] == {"train": 60, "validation": 24}
    history = read_table(folder / "history.parquet")
    # Stopped four epochs after the one whose weights were kept, or at the end.
    kept = history["validation_loss"].argmin() + 1
    assert len(history) == min(kept + 4, 30)
    assert description["kept"]["validation_loss"] == history["validation_loss"].min()


def test_concordance_of_each_cohort_says_whom_the_network_had_seen(finished):
    found = table(finished, "imaging/performance").set_index("cohort")
    assert found["patients"].to_dict() == SIZES
    assert found["seen"].tolist() == [60, 24, 0, 0]
    unseen = found[found["seen"] == 0]
    assert (unseen["low"] > 0.5).all() and (unseen["concordance"] >= 0.75).all()
    assert (unseen["q"] >= unseen["p"]).all() and (unseen["q"] < 0.05).all()
    assert found.loc[["training", "tuning"], "q"].isna().all()


def test_one_cut_of_the_training_cohort_divides_every_cohort_by_a_weighted_test(finished):
    cut = table(finished, "survival/cut_points").iloc[0]
    assert (cut["score"], cut["n"]) == ("dls", 60)
    scores = table(finished, "survival/scores").set_index("patient")["value"]
    cohorts = table(finished, "imaging/scores").set_index("patient")["cohort"]
    groups = table(finished, "survival/score_groups")
    assert set(groups["cohort"]) == set(SIZES) and (groups["cut"] == cut["cut"]).all()
    assert (groups["rho"] == 1).all()
    for (cohort, group), row in groups.set_index(["cohort", "group"]).iterrows():
        own = scores[cohorts[cohorts == cohort].index]
        assert row["n"] == ((own > cut["cut"]) == (group == "high")).sum()
    others = groups[groups["cohort"].isin(list(SIZES)[2:])]
    assert (others["p"] < 0.05).all() and (others["hazard_low"].dropna() > 1).all()
    curves = table(finished, "survival/score_curves")
    assert set(zip(curves["cohort"], curves["group"], strict=True)) == set(
        zip(groups["cohort"], groups["group"], strict=True)
    )
    activation = table(finished, "imaging/activation_groups")
    assert (activation["cut"] == cut["cut"]).all() and (activation["rule"] == "frozen").all()


def test_the_risk_stands_beside_the_covariate_and_betters_its_model_in_every_cohort(finished):
    both = table(finished, "survival/model_coefficients").query("model == 'both'")
    both = both.set_index("covariate")
    assert both.loc["dls", "low"] > 1 and both.loc["dls", "p"] < 0.01
    assert both.loc["age", "low"] < 1 < both.loc["age", "high"]
    measured = table(finished, "survival/model_performance").set_index(["model", "cohort"])
    others = list(SIZES)[2:]
    for cohort in others:
        assert measured.loc[("both", cohort), "harrell"] > 0.7
        assert measured.loc[("clinical", cohort), "harrell"] < 0.7
    trained = measured.xs("training", level="cohort")["aic"]
    assert trained["both"] < trained["clinical"] - 10
    gains = table(finished, "survival/model_differences").query("kind == 'harrell'")
    gains = gains[gains["first"].eq("both") & gains["second"].eq("clinical")].set_index("cohort")
    assert (gains.loc[others, "low"] > 0).all() and (gains["q"] >= gains["p"]).all()


def test_nomograms_calibration_reclassification_and_decisions_are_of_every_cohort(finished):
    folder = "survival/clinical/dls"
    for name, wanted in (("clinical", False), ("score", True)):
        nomogram = json.loads((finished.results / folder / f"{name}_nomogram.json").read_text())
        assert ("dls" in json.dumps(nomogram)) == wanted
    indices = table(finished, f"{folder}/models").set_index(["cohort", "model"])
    models = ["clinical", "clinical + dls", "dls"]
    assert list(indices.index) == [(cohort, model) for cohort in SIZES for model in models]
    assert indices["c_index"].notna().all() and indices.loc["training", "aic"].notna().all()
    for name in ("calibration_measures", "calibration_curves", "decision_curves"):
        found = table(finished, f"{folder}/{name}")
        assert set(found["cohort"]) == set(SIZES) and set(models) <= set(found["model"])
    added = table(finished, f"{folder}/added_value")
    assert {"NRI, categories", "IDI"} <= set(added["measure"])
    gain = added[(added["measure"] == "IDI") & (added["part"] == "total")].set_index("cohort")
    assert list(gain.index) == list(SIZES) and (gain["low"] > 0).all()
