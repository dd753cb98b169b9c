"""A risk of patients from the features of their slides, by networks that have not seen them."""

import numpy as np
import pandas as pd
import pytest

from histoniche.cohort.outcome_splits import write_outcome_split
from histoniche.cohort.splits import patient_digest, roles_in_fold
from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.learning.concordance import agreement
from histoniche.learning.mil_risk import load_mil_risk
from histoniche.risk_evaluation import evaluate_risk
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table
from histoniche.traits.slide_signature import score_slide_signature, train_slide_signature
from risk_settings import MIL_RISK
from scan_cohort import outcomes
from tile_features import write_tile_features

SETTINGS = {**MIL_RISK, "epochs": 25, "learning_rate": 0.01}
COUNT, FOLDS = 60, 3


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Sixty patients of two slides each, whose few telling tiles lie on one of them."""
    folder = tmp_path_factory.mktemp("slides")
    table = outcomes(COUNT)
    features, owners = {}, {}
    for place, (patient, hazard) in enumerate(zip(table["patient"], table["hazard"], strict=True)):
        for section, high in enumerate((2 * (hazard + 1.5), 0.0)):
            slide = f"{patient}-{section}"
            features[slide], owners[slide] = folder / f"{slide}.zarr", patient
            write_tile_features(features[slide], 1000 + 2 * place + section, high=high)
    rows = [
        {"patient": row["patient"], "cohort": None, "time_days": row["time"], "event": row["event"]}
        for row in table.to_dict("records")
    ]
    # The last is a stranger to all networks.
    own = table["patient"][:-1]
    write_outcome_split(rows[:-1], folder / "split.parquet", own=own, folds=FOLDS, seed=0)
    for fold in range(FOLDS):
        train_slide_signature(
            {slide: features[slide] for slide in features if owners[slide] in set(own)},
            folder / "split.parquet",
            folder / "models" / str(fold),
            folder / "state" / str(fold),
            fold=fold,
            owners=owners,
            settings=SETTINGS,
            seed=0,
            threads=1,
        )
    return folder, table, features, owners


def score(folder, features, owners, out):
    score_slide_signature(
        features,
        {fold: folder / "models" / str(fold) for fold in range(FOLDS)},
        folder / "split.parquet",
        scores=out,
        score="slide_signature",
        owners=owners,
        cohorts={},
        threads=1,
    )
    return read_table(out).set_index("patient")


def test_each_network_has_seen_its_own_sides(cohort):
    folder = cohort[0]
    split = read_table(folder / "split.parquet")
    for fold in range(FOLDS):
        seen = read_json(folder / "models" / str(fold) / "model.json")["patients_sha256"]
        roles = roles_in_fold(split, fold)
        for side in ("train", "validation"):
            own = split.loc[roles == side, "patient"]
            assert seen[side] == sorted(map(patient_digest, own))


def test_what_tiles_tell_of_survival_is_found_in_patients_not_seen(cohort, tmp_path):
    folder, table, features, owners = cohort
    scores = score(folder, features, owners, tmp_path / "scores.parquet")
    assert len(scores) == COUNT
    assert scores["slide_signature"].between(0, 1, inclusive="neither").all()
    known = table.set_index("patient").loc[scores.index]
    held = scores["fold"].notna().to_numpy()
    own = [values[held] for values in (scores["log_hazard"], known["time"], known["event"])]
    assert agreement(*own, scores["fold"][held].to_numpy(int)) > 0.65


def test_a_stranger_has_the_mean_of_all_networks_over_both_slides(cohort, tmp_path):
    folder, table, features, owners = cohort
    stranger = table["patient"].iloc[-1]
    own = [slide for slide in features if owners[slide] == stranger]
    bag = np.concatenate([TileStore(features[slide]).column("features") for slide in own])
    models = [load_mil_risk(folder / "models" / str(fold)) for fold in range(FOLDS)]
    each = [model.judge(bag)[0] - model.description["mean_log_hazard"] for model in models]
    found = score(folder, {slide: features[slide] for slide in own}, owners, tmp_path / "s.parquet")
    assert found.loc[stranger, "log_hazard"] == pytest.approx(np.mean(each))
    assert found.loc[stranger, "role"] == "apply" and pd.isna(found.loc[stranger, "fold"])


def test_features_of_another_encoder_and_patients_without_tiles_are_refused(cohort, tmp_path):
    folder, _, _, _ = cohort
    write_tile_features(tmp_path / "other.zarr", 1, high=0.0, encoder="another")
    with pytest.raises(InputError, match="trained on features with"):
        score(folder, {"A": tmp_path / "other.zarr"}, {"A": "PA"}, tmp_path / "s.parquet")
    write_tile_features(tmp_path / "empty.zarr", 1, high=0.0, tiles=0)
    with pytest.raises(InputError, match="no slide has a tile"):
        score(folder, {"A": tmp_path / "empty.zarr"}, {"A": "PA"}, tmp_path / "s.parquet")


def test_models_that_were_brought_along_leave_nobody_where_nothing_is_to_be_seen(cohort, tmp_path):
    folder, table, _, _ = cohort
    write_tile_features(tmp_path / "empty.zarr", 1, high=0.0, tiles=0)
    scores, patients = tmp_path / "scores.parquet", tmp_path / "patients.parquet"
    score_slide_signature(
        {"A": tmp_path / "empty.zarr"},
        {0: folder / "models" / "0"},
        None,
        scores=scores,
        score="deadly",
        owners={"A": "PA"},
        cohorts={"PA": None},
        threads=1,
    )
    found = read_table(scores)
    assert found.empty
    assert list(found.columns) == ["patient", "cohort", "role", "fold", "log_hazard", "deadly"]
    write_table(table.rename(columns={"time": "time_days"}), patients)
    out = tmp_path / "performance.parquet"
    evaluate_risk(scores, patients, out, score="deadly", bootstraps=5, confidence=0.95, seed=0)
    assert read_table(out).empty
