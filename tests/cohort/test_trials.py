import numpy as np
import pytest

from histoniche.cohort.trials import draw_trial, with_values

SPACE = {
    "learning_rate": {"log_uniform": [1e-4, 1e-2]},
    "dropout": {"uniform": [0.0, 0.5]},
    "epochs": {"integers": [3, 5]},
    "encoder": {"choices": ["resnet18", "resnet34"]},
    "augment.stain.strength": {"uniform": [0.0, 0.2]},
}


def test_a_trial_is_the_same_whoever_draws_it_and_whatever_else_is_drawn():
    assert draw_trial(SPACE, 7, seed=1) == draw_trial(dict(reversed(SPACE.items())), 7, seed=1)
    assert draw_trial(SPACE, 7, seed=1) != draw_trial(SPACE, 8, seed=1)
    assert draw_trial(SPACE, 7, seed=1) != draw_trial(SPACE, 7, seed=2)
    fewer = {key: SPACE[key] for key in ("dropout", "encoder")}
    assert draw_trial(fewer, 7, seed=1).items() <= draw_trial(SPACE, 7, seed=1).items()


def test_ranges_are_filled_evenly_and_not_left():
    drawn = [draw_trial(SPACE, trial, seed=0) for trial in range(1, 601)]
    rates = np.log10([one["learning_rate"] for one in drawn])
    # As many in each of the two powers of ten.
    assert abs((rates < -3).mean() - 0.5) < 0.08
    assert rates.min() >= -4 and rates.max() <= -2
    assert 0 <= min(one["dropout"] for one in drawn) <= max(one["dropout"] for one in drawn) <= 0.5
    assert {one["epochs"] for one in drawn} == {3, 4, 5}
    assert {one["encoder"] for one in drawn} == {"resnet18", "resnet34"}


def test_values_go_where_their_keys_lead_and_nowhere_else():
    settings = {"dropout": 0, "augment": {"stain": {"strength": 0.1, "probability": 1}}}
    changed = with_values(settings, {"augment.stain.strength": 0.3, "dropout": 0.5})
    assert changed == {
        "dropout": 0.5,
        "augment": {"stain": {"strength": 0.3, "probability": 1}},
    }
    assert settings["augment"]["stain"]["strength"] == 0.1
    for key in ("droput", "augment.stian.strength", "dropout.strength"):
        with pytest.raises(KeyError):
            with_values(settings, {key: 1})
