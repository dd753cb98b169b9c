import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics
from torchmetrics import classification

from histoniche.traits.evaluation import Judged, evaluate, judge, patient_classes


def judged(truth, scores, calls=None, patients=None, slides=None):
    scores = np.asarray(scores, float)
    count = len(scores)
    calls = scores.argmax(1) if calls is None else np.asarray(calls)
    patients = np.arange(count) if patients is None else patients
    slides = patients if slides is None else slides
    truth = np.asarray(truth, np.intp)
    return Judged(truth, scores, calls, np.asarray(patients, object), np.asarray(slides, object))


def random_case(seed, classes, n=200, patients=40):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    scores = rng.random((n, classes)) + 0.4 * np.eye(classes)[truth]
    scores /= scores.sum(1, keepdims=True)
    return judged(truth, scores, patients=rng.integers(0, patients, n))


def value(table, name, metric, column="value"):
    row = table[(table["class"] == name) & (table["metric"] == metric)]
    assert len(row) == 1
    return row[column].iloc[0]


def run(case, classes, seed=0, **settings):
    return evaluate(case, classes, rng=np.random.default_rng(seed), **settings)


def test_a_binary_trait_by_hand():
    # TP 3, FN 1, FP 2, TN 4.
    truth = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    calls = [1, 1, 1, 0, 1, 1, 0, 0, 0, 0]
    positive = np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.75, 0.1, 0.2, 0.3, 0.4])
    found = run(judged(truth, np.stack([1 - positive, positive], 1), calls), ["no", "yes"])
    table = found.metrics
    assert value(table, "all", "accuracy") == pytest.approx(0.7)
    assert value(table, "yes", "sensitivity") == pytest.approx(3 / 4)
    assert value(table, "yes", "specificity") == pytest.approx(4 / 6)
    assert value(table, "yes", "precision") == pytest.approx(3 / 5)
    assert value(table, "yes", "f1") == pytest.approx(2 * 3 / (2 * 3 + 2 + 1))
    # Pairs that are wrong: 0.7 against 0.75; 0.2 against four higher and one equal.
    assert value(table, "yes", "auroc") == pytest.approx((24 - 1 - 4 - 0.5) / 24)
    assert value(table, "yes", "auroc", "positives") == 4
    assert set(table["n"]) == set(table["patients"]) == {10}
    assert found.confusion["count"].tolist() == [4, 2, 1, 3]
    assert found.confusion["share"].tolist() == pytest.approx([4 / 6, 2 / 6, 1 / 4, 3 / 4])
    assert set(found.roc["class"]) == {"yes"}


def test_binary_metrics_are_those_of_torchmetrics():
    case = random_case(1, 2)
    truth, calls = torch.from_numpy(case.truth), torch.from_numpy(case.calls)
    scores = torch.from_numpy(case.scores[:, 1])
    table = run(case, ["no", "yes"]).metrics
    for metric, oracle in {
        "sensitivity": classification.BinaryRecall(),
        "specificity": classification.BinarySpecificity(),
        "precision": classification.BinaryPrecision(),
        "f1": classification.BinaryF1Score(),
        "accuracy": classification.BinaryAccuracy(),
    }.items():
        assert value(table, "yes", metric) == pytest.approx(oracle(calls, truth).item(), abs=1e-6)
    area = classification.BinaryAUROC()(scores, truth).item()
    assert value(table, "yes", "auroc") == pytest.approx(area, abs=1e-6)


def test_three_classes_are_those_of_torchmetrics_and_sklearn():
    case = random_case(2, 3)
    names = ["II", "III", "IV"]
    found = run(case, names)
    truth, calls = torch.from_numpy(case.truth), torch.from_numpy(case.calls)
    for average, classes in (("none", names), ("macro", ["macro"])):
        for metric, kind in {
            "sensitivity": classification.MulticlassRecall,
            "specificity": classification.MulticlassSpecificity,
            "precision": classification.MulticlassPrecision,
            "f1": classification.MulticlassF1Score,
        }.items():
            oracle = kind(num_classes=3, average=average)(calls, truth).reshape(-1)
            ours = [value(found.metrics, name, metric) for name in classes]
            assert ours == pytest.approx(oracle.tolist(), abs=1e-6)
    area = metrics.roc_auc_score(case.truth, case.scores, multi_class="ovr", average="macro")
    assert value(found.metrics, "macro", "auroc") == pytest.approx(area, abs=1e-12)
    expected = metrics.confusion_matrix(case.truth, case.calls).ravel()
    assert found.confusion["count"].tolist() == expected.tolist()
    macro = found.roc[found.roc["class"] == "macro"]
    assert np.trapezoid(macro["tpr"], macro["fpr"]) == pytest.approx(area, abs=1e-12)


def test_the_macro_accuracy_of_guessing_among_three_classes_is_five_ninths():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 4000)
    case = judged(truth, rng.random((12000, 3)), patients=np.arange(12000) % 50)
    table = run(case, list("abc"), draws=20).metrics
    assert value(table, "macro", "accuracy") == pytest.approx(5 / 9, abs=0.01)
    assert value(table, "all", "accuracy") == pytest.approx(1 / 3, abs=0.02)


def test_shuffled_labels_give_intervals_that_hold_one_half_as_often_as_they_say():
    rng = np.random.default_rng(11)
    held = {"auroc": 0, "accuracy": 0}
    runs = 150
    for _ in range(runs):
        # Slides of one patient are alike, as their labels are.
        patient = np.repeat(np.arange(60), 2)
        truth = rng.permutation(np.arange(60) % 2)[patient]
        positive = np.clip(
            0.5 + 0.2 * rng.normal(size=60)[patient] + 0.05 * rng.normal(size=120), 0, 1
        )
        case = judged(truth, np.stack([1 - positive, positive], 1), patients=patient)
        table = evaluate(case, ["no", "yes"], rng=rng, draws=300).metrics
        for metric in held:
            low, high = (value(table, "yes", metric, side) for side in ("low", "high"))
            held[metric] += low <= 0.5 <= high
    for count in held.values():
        assert 0.90 <= count / runs <= 0.985


def test_noise_in_a_cross_validation_is_not_told_the_wrong_way_round():
    """Networks that only know how common the classes were in their training patients."""
    rng = np.random.default_rng(3)
    pooled, within, held = [], [], 0
    for _ in range(300):
        fold = np.arange(60) % 5
        truth = rng.permutation(np.arange(60) % 2)
        trained = np.array([truth[fold != number].mean() for number in range(5)])
        positive = trained[fold] + 0.01 * rng.normal(size=60)
        case = judged(truth, np.stack([1 - positive, positive], 1))
        pooled.append(value(run(case, ["no", "yes"], draws=2).metrics, "yes", "auroc"))
        found = run(case._replace(networks=fold.astype(object)), ["no", "yes"], draws=200)
        area, low, high = (
            value(found.metrics, "yes", "auroc", key) for key in ("value", "low", "high")
        )
        within.append(area)
        held += low <= 0.5 <= high
        curve = found.roc
        assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(area, abs=1e-12)
    assert np.mean(pooled) < 0.4
    assert np.mean(within) == pytest.approx(0.5, abs=0.03)
    assert 0.90 <= held / 300 <= 0.985


def test_slides_of_one_patient_do_not_pretend_to_be_many():
    rng = np.random.default_rng(4)
    truth = np.arange(20) % 2
    positive = np.clip(0.5 + 0.1 * (truth - 0.5) + 0.15 * rng.normal(size=20), 0, 1)
    truth, positive = np.repeat(truth, 10), np.repeat(positive, 10)
    scores = np.stack([1 - positive, positive], 1)

    def width(patients):
        table = run(judged(truth, scores, patients=patients), ["no", "yes"]).metrics
        return value(table, "yes", "auroc", "high") - value(table, "yes", "auroc", "low")

    assert width(np.repeat(np.arange(20), 10)) > 2 * width(np.arange(200))


def test_what_cannot_be_known_is_not_given():
    one = run(judged([1, 1], [[0.1, 0.9], [0.8, 0.2]]), ["no", "yes"]).metrics
    assert np.isnan(value(one, "yes", "auroc"))
    assert value(one, "yes", "auroc", "note").startswith("not defined")
    alone = run(
        judged([0, 1], [[0.9, 0.1], [0.2, 0.8]], patients=["A", "A"]), ["no", "yes"]
    ).metrics
    assert value(alone, "yes", "auroc") == 1
    assert np.isnan(value(alone, "yes", "auroc", "low"))
    assert value(alone, "yes", "auroc", "note") == "a single patient: no interval"
    perfect = run(judged([0, 1] * 9, [[0.9, 0.1], [0.2, 0.8]] * 9), ["no", "yes"]).metrics
    assert value(perfect, "yes", "auroc", "note").startswith("all draws are equal")


def test_a_table_of_scores_is_judged_by_slide_and_by_patient():
    table = pd.DataFrame(
        {
            "slide": np.repeat(["A1", "A2", "B1", "C1", "D1"], 2),
            "patient": np.repeat(["A", "A", "B", "C", "D"], 2),
            "model": np.repeat(["0", "1", "0", "1", "1"], 2),
            "class": ["no", "yes"] * 5,
            "share": [0.4, 0.6, 0.9, 0.1, 0.3, 0.7, np.nan, np.nan, 1, 0],
        }
    )
    truth = {"A1": "yes", "A2": "yes", "B1": "no", "C1": "no"}
    settings = {"key": "slide", "score": "share"}
    found = judge(table, truth, ["no", "yes"], **settings, threshold=None)
    assert found.slides.tolist() == ["A1", "A2", "B1"]
    assert found.patients.tolist() == ["A", "A", "B"]
    assert found.truth.tolist() == [1, 1, 0]
    assert found.calls.tolist() == [1, 0, 1]
    strict = judge(table, truth, ["no", "yes"], **settings, threshold=0.65)
    assert strict.calls.tolist() == [0, 0, 1]
    own = judge(table, truth, ["no", "yes"], **settings, threshold={"0": 0.65, "1": 0.05})
    assert own.calls.tolist() == [0, 1, 1]
    assert own.networks.tolist() == ["0", "1", "0"]


def test_a_patient_of_two_classes_has_none():
    labels = pd.DataFrame(
        {"patient": ["A", "A", "B", "B", "C"], "class": ["x", "y", "x", "x", None]}
    )
    assert patient_classes(labels) == {"B": "x"}
