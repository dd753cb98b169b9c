"""A network of one fold, from samples to a model that says whom it has seen."""

import pytest

from histoniche.cohort.config import check_config
from histoniche.cohort.outcome_splits import write_outcome_split
from histoniche.cohort.splits import patient_digest, roles_in_fold
from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.imaging.training import train_fold
from histoniche.tables import read_table
from scan_cohort import MAPS, QUICK, outcomes, write_samples

SETTINGS = check_config(
    {"cohort": {"patients": "p.tsv"}, "imaging": {"scans": "s.tsv", "training": QUICK}}, file="c"
)["imaging"]["training"]


def write_split(folder, table, *, folds=3):
    out = folder / "split.parquet"
    rows = [
        {"patient": row["patient"], "cohort": None, "time_days": row["time"], "event": row["event"]}
        for row in table.to_dict("records")
    ]
    write_outcome_split(rows, out, own=set(table["patient"]), folds=folds, seed=0)
    return out


def train(folder, samples, split, *, fold=1):
    train_fold(
        samples,
        split,
        folder / "model",
        folder / "state",
        fold=fold,
        maps=MAPS,
        settings=SETTINGS,
        seed=0,
        threads=1,
    )
    return read_json(folder / "model" / "model.json")


def test_a_fold_learns_from_its_own_sides_without_scans_that_cannot_be_used(tmp_path):
    table = outcomes(24)
    split = write_split(tmp_path, table)
    roles = roles_in_fold(read_table(split), 1)
    patients = read_table(split)["patient"]
    bad = patients[roles == "train"].iloc[0]
    samples = write_samples(tmp_path / "scans", table, bad=(bad,))
    description = train(tmp_path, samples, split)
    assert (description["maps"], description["fold"]) == (MAPS, 1)
    for side in ("train", "validation"):
        own = sorted(patient_digest(name) for name in patients[roles == side] if name != bad)
        assert description["patients_sha256"][side] == own
        assert description["patients"][side] == len(own)
    history = read_table(tmp_path / "model" / "history.parquet")
    assert len(history) == 3 and not (tmp_path / "state").joinpath("last.ckpt").exists()


def test_a_side_without_events_is_one_line(tmp_path):
    table = outcomes(12)
    table["event"] = [1, 1] + [0] * 10
    split = write_split(tmp_path, table)
    samples = write_samples(tmp_path / "scans", table)
    with pytest.raises(InputError, match="at least 2 events among those for"):
        train(tmp_path, samples, split)
