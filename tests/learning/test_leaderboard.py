import pytest

from histoniche.errors import InputError
from histoniche.files import write_json, write_text
from histoniche.learning.leaderboard import choose_trial, rank_trials
from histoniche.tables import read_table

SPACE = {"dropout": {"uniform": [0.0, 0.5]}}
DICE = {1: 0.5, 2: 0.8, 3: 0.8, 4: 0.7}
LOSS = {1: 0.2, 2: 0.9, 3: 0.6, 4: 0.5}


def digest(trial):
    return f"{trial:x}" * 64


@pytest.fixture
def models(tmp_path):
    folders = {}
    for trial, dice in DICE.items():
        folders[trial] = tmp_path / "tuning" / str(trial)
        kept = {
            "epoch": 3, "validation_loss": LOSS[trial], "validation_accuracy": 0.9,
            "validation_iou": dice / 2, "validation_dice": dice,
        }  # fmt: skip
        write_json({"weights_sha256": digest(trial), "kept": kept}, folders[trial] / "model.json")
        write_text(f"weights of {trial}", folders[trial] / "model.safetensors")
    return folders


def ranked(models, tmp_path, rule="validation_dice"):
    out = tmp_path / "leaderboard.parquet"
    rank_trials(models, out, head="all", fold=0, rule=rule, space=SPACE, seed=5)
    return out


def test_the_declared_rule_ranks_and_the_loss_decides_among_equals(models, tmp_path):
    board = read_table(ranked(models, tmp_path))
    assert board["trial"].tolist() == [3, 2, 4, 1]
    assert board["rank"].tolist() == [1, 2, 3, 4]
    assert board["model"][0] == "3" * 12
    assert board["dropout"].nunique() == 4
    by_loss = read_table(ranked(models, tmp_path, rule="validation_loss"))
    assert by_loss["trial"].tolist() == [1, 4, 3, 2]


def choose(board, models, tmp_path, **review):
    chosen = choose_trial(board, models, tmp_path / "model", **review)
    assert (tmp_path / "model" / "model.safetensors").read_text() == f"weights of {chosen}"
    return chosen


def test_without_a_review_the_best_trial_is_the_model(models, tmp_path):
    board = ranked(models, tmp_path)
    assert choose(board, models, tmp_path, reviewed=False, accepted=[]) == 3


def test_with_a_review_it_is_the_best_that_was_accepted(models, tmp_path):
    board = ranked(models, tmp_path)
    accepted = [{"trial": trial, "model": digest(trial)[:12]} for trial in (1, 4)]
    assert choose(board, models, tmp_path, reviewed=True, accepted=accepted) == 4


def test_no_model_is_taken_that_nobody_looked_at(models, tmp_path):
    board = ranked(models, tmp_path)
    with pytest.raises(InputError, match="no trial has been accepted"):
        choose_trial(board, models, tmp_path / "model", reviewed=True, accepted=[])
    stale = [{"trial": 3, "model": "a" * 12}]
    with pytest.raises(InputError, match="another model than today's, 333333333333"):
        choose_trial(board, models, tmp_path / "model", reviewed=True, accepted=stale)
    assert not (tmp_path / "model").exists()
