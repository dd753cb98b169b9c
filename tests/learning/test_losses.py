import numpy as np
import pytest
import torch

from histoniche.learning.losses import (
    GeneralisedCrossEntropyLoss,
    GeneralisedDiceLoss,
    SummedLoss,
    class_weights,
)
from training_settings import DEFAULTS, LOSSES


def loss_of(names, weight=None, **changes):
    return SummedLoss({**DEFAULTS, "loss": names, **changes}, weight)


@pytest.fixture
def labels():
    return torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(0))


def certain(labels, classes=3):
    return 50.0 * torch.nn.functional.one_hot(labels, classes).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("names", [*([name] for name in LOSSES), LOSSES])
def test_losses_fall_to_nothing_for_the_truth_and_ignore_255(names, labels):
    loss = loss_of(names)
    right = certain(labels)
    assert loss(right, labels) < 1e-3
    assert loss(-right, labels) > 0.5
    masked = labels.clone()
    masked[:, :4] = 255
    wrong = right.clone()
    wrong[:, :, :4] *= -1
    assert loss(wrong, masked) < 1e-3


@pytest.mark.parametrize("names", [[name] for name in LOSSES])
def test_a_batch_without_labels_has_a_loss_that_does_no_harm(names):
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = loss_of(names)(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_generalised_dice_is_sudres_formula(labels):
    logits = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    p = logits.softmax(1).permute(0, 2, 3, 1).reshape(-1, 4).numpy()
    truth = np.eye(4)[labels.flatten()]
    weights = [1 / truth[:, k].sum() ** 2 if truth[:, k].any() else 0 for k in range(4)]
    common = sum(weights[k] * (truth[:, k] * p[:, k]).sum() for k in range(4))
    both = sum(weights[k] * (truth[:, k] + p[:, k]).sum() for k in range(4))
    found = GeneralisedDiceLoss()(logits, labels)
    assert float(found) == pytest.approx(1 - 2 * common / both, abs=1e-6)


def test_generalised_cross_entropy_lies_between_its_limits(labels):
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    cross_entropy = torch.nn.functional.cross_entropy(logits, labels)
    assert torch.isclose(
        GeneralisedCrossEntropyLoss(1e-4)(logits, labels), cross_entropy, rtol=1e-3
    )
    right = logits.softmax(1).gather(1, labels[:, None])
    assert torch.isclose(GeneralisedCrossEntropyLoss(1.0)(logits, labels), 1 - right.mean())
    weight = torch.tensor([1.0, 2.0, 0.5])
    weighted = torch.nn.functional.cross_entropy(logits, labels, weight)
    found = GeneralisedCrossEntropyLoss(1e-4, weight)(logits, labels)
    assert torch.isclose(found, weighted, rtol=1e-3)


def test_wrong_labels_pull_less_at_generalised_cross_entropy():
    logits = torch.tensor([[[[6.0]], [[0.0]]]], requires_grad=True)
    wrong = torch.ones(1, 1, 1, dtype=torch.long)
    pulls = {}
    for name in ("cross_entropy", "generalised_cross_entropy"):
        (pull,) = torch.autograd.grad(loss_of([name])(logits, wrong), logits)
        pulls[name] = float(pull.abs().max())
    assert pulls["generalised_cross_entropy"] < 0.05 * pulls["cross_entropy"]


def test_focal_loss_is_lins_formula(labels):
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    p = logits.softmax(1).gather(1, labels[:, None])
    expected = (-((1 - p) ** 2) * p.log()).mean()
    assert torch.isclose(loss_of(["focal"], focal_gamma=2)(logits, labels), expected)


def test_class_weights_are_inverse_shares_to_a_power():
    assert class_weights([10, 40], 0) is None
    assert class_weights([10, 40, 0], 1).tolist() == pytest.approx([2.5, 0.625, 0])
    half = class_weights([10, 40], 0.5)
    assert float(half[0] / half[1]) == pytest.approx(2)
    assert float(half @ torch.tensor([0.2, 0.8])) == pytest.approx(1)


def test_label_smoothing_and_weights_reach_cross_entropy(labels):
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    weight = torch.tensor([1.0, 2.0, 0.5])
    found = loss_of(["cross_entropy"], weight, label_smoothing=0.1)(logits, labels)
    expected = torch.nn.functional.cross_entropy(logits, labels, weight, label_smoothing=0.1)
    assert torch.isclose(found, expected)
