import numpy as np
import pytest
import torch
from scipy import stats
from torchmetrics.classification import MulticlassCalibrationError, MulticlassF1Score
from torchmetrics.segmentation import MeanIoU

from histoniche.learning.metrics import (
    accuracy,
    bootstrap_interval,
    calibration_error,
    class_metrics,
    clustered_correlation,
    confidence_counts,
    confusion_matrix,
    macro_f1,
    reliability,
)


def random_labels(seed, classes=4):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, (2, 40, 40))
    predicted = np.where(
        rng.random(truth.shape) < 0.7, truth, rng.integers(0, classes, truth.shape)
    )
    return truth, predicted


def test_iou_equals_torchmetrics():
    truth, predicted = random_labels(0)
    ours = class_metrics(confusion_matrix(truth, predicted, classes=4))["iou"]
    metric = MeanIoU(num_classes=4, per_class=True, input_format="index")
    # One image, so that its mean over images is the pooled value.
    theirs = metric(
        torch.from_numpy(predicted.reshape(1, 80, 40)), torch.from_numpy(truth.reshape(1, 80, 40))
    )
    assert ours == pytest.approx(theirs.numpy(), abs=1e-6)


def test_ignored_pixels_count_nowhere():
    truth, predicted = random_labels(1)
    before = confusion_matrix(truth[:1], predicted[:1], classes=4)
    truth[1] = 255
    assert np.array_equal(confusion_matrix(truth, predicted, classes=4), before)


def test_a_class_that_is_nowhere_has_no_iou():
    matrix = confusion_matrix(np.array([0, 1]), np.array([0, 1]), classes=3)
    metrics = class_metrics(matrix)
    assert metrics["iou"][:2].tolist() == [1, 1]
    assert np.isnan(metrics["iou"][2])
    assert accuracy(matrix) == 1


def test_the_interval_covers_the_value_and_narrows_with_patients():
    rng = np.random.default_rng(0)

    def width(patients):
        matrices = np.stack(
            [confusion_matrix(*random_labels(k), classes=4) for k in range(patients)]
        )
        low, high = bootstrap_interval(matrices, accuracy, rng=rng)
        assert low < accuracy(matrices.sum(0)) < high
        return high - low

    assert width(40) < width(5)


def test_one_patient_has_no_interval():
    matrices = np.eye(3, dtype=int)[None]
    low, high = bootstrap_interval(matrices, accuracy, rng=np.random.default_rng(0))
    assert np.isnan([low, high]).all()


def test_the_clustered_correlation_is_scipys_and_its_interval_widens_with_clusters():
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(12), 4)
    x = rng.normal(size=12)[patient] + 0.1 * rng.normal(size=48)
    y = x + rng.normal(size=12)[patient]
    r, low, high = clustered_correlation(x, y, patient, rng=rng)
    assert r == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    assert low < r < high
    # As if every slide were a patient of its own, the interval pretends to know more.
    _, own_low, own_high = clustered_correlation(x, y, np.arange(48), rng=rng)
    assert own_high - own_low < 0.7 * (high - low)


@pytest.mark.parametrize(
    ("x", "clusters", "known"),
    [([1, 2, 4], [0, 0, 0], True), ([2, 2, 2], [0, 1, 2], False), ([1, 2], [0, 1], False)],
)
def test_a_correlation_that_cannot_be_known_is_not_given(x, clusters, known):
    x = np.array(x, dtype=float)
    rng = np.random.default_rng(0)
    r, low, high = clustered_correlation(x, x**2 + 0.1, np.array(clusters), rng=rng)
    assert np.isfinite(r) == known
    assert np.isnan([low, high]).all()


def test_macro_f1_is_that_of_torchmetrics_over_the_classes_that_are_there():
    truth, predicted = random_labels(2)
    metric = MulticlassF1Score(num_classes=4, average="macro")
    theirs = metric(torch.from_numpy(predicted), torch.from_numpy(truth)).item()
    matrix = confusion_matrix(truth, predicted, classes=4)
    assert macro_f1(matrix) == pytest.approx(theirs, abs=1e-6)
    # A class that nobody annotated has no part, even where it is predicted.
    absent = matrix * np.array([1, 1, 1, 0])[:, None]
    assert macro_f1(absent) == pytest.approx(class_metrics(absent)["dice"][:3].mean())


def test_calibration_error_is_that_of_torchmetrics():
    rng = np.random.default_rng(3)
    stored = rng.integers(60, 256, 20_000).astype(np.uint8)
    right = rng.random(20_000) < (stored / 255) ** 2
    # Two classes, the first of which is always found.
    found = torch.from_numpy(stored / 255).float()
    chances = torch.stack([found, 1 - found], dim=1)
    hopeful = found > 0.5
    metric = MulticlassCalibrationError(num_classes=2, n_bins=15)
    theirs = metric(chances[hopeful], torch.from_numpy(~right)[hopeful].long()).item()
    counts = confidence_counts(right[hopeful.numpy()], stored[hopeful.numpy()])
    # Confidences on the border of two bins may fall into either.
    assert calibration_error(counts) == pytest.approx(theirs, abs=2e-3)
    assert calibration_error(counts) > 0.05


def test_a_network_that_says_what_it_knows_has_no_calibration_error():
    counts = np.zeros((2, 256), np.int64)
    counts[0] = 255_000
    counts[1] = np.arange(256) * 1000
    assert calibration_error(counts) == pytest.approx(0, abs=1e-9)
    found = reliability(counts)
    assert found["pixels"].sum() == counts[0].sum()
    assert found["accuracy"] == pytest.approx(found["confidence"])
