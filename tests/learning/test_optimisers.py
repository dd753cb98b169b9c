import pytest
import torch

from histoniche.learning.optimisers import build_optimiser, build_schedule
from training_settings import DEFAULTS


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(2, 2)
        self.decoder = torch.nn.Linear(2, 2)


def rates(schedule, steps=100, **changes):
    """Learning rate of the decoder in every step."""
    settings = {
        **DEFAULTS,
        "learning_rate": 1.0,
        "schedule": {**DEFAULTS["schedule"], "name": schedule, **changes},
    }
    optimiser = build_optimiser(Network(), settings)
    scheduler = build_schedule(optimiser, settings, steps=steps)["scheduler"]
    found = []
    for _ in range(steps):
        found.append(optimiser.param_groups[-1]["lr"])
        optimiser.step()
        scheduler.step()
    return found


def test_schedules_are_what_their_names_say():
    assert set(rates("constant", warmup=0.0)) == {1.0}
    inverse = rates("inverse_time", warmup=0.0, decay=0.1)
    assert inverse[10] == pytest.approx(1 / 2)
    cosine = rates("cosine", warmup=0.0)
    assert cosine[0] == 1
    assert cosine[50] == pytest.approx(0.5)
    assert cosine[-1] < 0.001
    assert sorted(cosine, reverse=True) == cosine


@pytest.mark.parametrize("name", ["constant", "inverse_time", "cosine"])
def test_a_warm_up_rises_to_the_peak(name):
    found = rates(name, warmup=0.2, decay=0.1)
    assert found[0] == pytest.approx(0.04)
    assert found[20] == 1
    assert sorted(found[:21]) == found[:21]


def test_a_plateau_lowers_the_rate_at_the_last_check_of_its_patience():
    settings = {**DEFAULTS, "learning_rate": 1.0}
    plateau = {"name": "plateau", "patience": 10, "factor": 0.1}
    settings["schedule"] = {**DEFAULTS["schedule"], **plateau}
    optimiser = build_optimiser(Network(), settings)
    schedule = build_schedule(optimiser, settings, steps=9)
    assert schedule["monitor"] == "validation_loss"
    rates = []
    # The best comes first; the least gain counts as one.
    for value in [1.0, *[2.0] * 9, 0.99999, *[1.0] * 10]:
        schedule["scheduler"].step(value)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates[:-1] == [1.0] * 20
    assert rates[-1] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adamw", torch.optim.AdamW),
        ("adam", torch.optim.Adam),
        ("rmsprop", torch.optim.RMSprop),
        ("sgd", torch.optim.SGD),
    ],
)
def test_optimisers_by_name_with_a_rate_of_its_own_for_the_encoder(name, kind):
    settings = {**DEFAULTS, "optimiser": name, "encoder_rate": 0.1, "weight_decay": 0.3}
    optimiser = build_optimiser(Network(), settings)
    assert type(optimiser) is kind
    encoder, decoder = optimiser.param_groups
    assert encoder["lr"] == pytest.approx(0.1 * decoder["lr"])
    assert encoder["weight_decay"] == decoder["weight_decay"] == 0.3


def test_a_frozen_encoder_is_not_optimised():
    network = Network()
    network.encoder.requires_grad_(False)
    (group,) = build_optimiser(network, DEFAULTS).param_groups
    assert len(group["params"]) == 2
