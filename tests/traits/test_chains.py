import numpy as np
import pytest

from histoniche.errors import InputError
from histoniche.traits.chains import (
    chain_calls,
    chain_of,
    chain_probabilities,
    compare_with_single,
    step_probabilities,
)
from histoniche.traits.evaluation import Judged

STEPS = {"gbm": {"lower": ["II", "III"], "GBM": ["IV"]}, "lower": {"II": ["II"], "III": ["III"]}}


@pytest.fixture
def grades():
    return chain_of(["II", "III", "IV"], STEPS)


def test_probabilities_multiply_along_the_way_by_hand(grades):
    gbm = np.array([[0.8, 0.2], [0.1, 0.9], [0.6, 0.4]])
    lower = np.array([[0.25, 0.75], [0.5, 0.5], [0.5, 0.5]])
    found = chain_probabilities(grades, {"gbm": gbm, "lower": lower})
    assert found == pytest.approx(np.array([[0.2, 0.6, 0.2], [0.05, 0.05, 0.9], [0.3, 0.3, 0.4]]))
    assert found.sum(1) == pytest.approx(1)


def test_the_first_step_is_not_overruled(grades):
    # 0.6 against GBM: the tile goes on, though GBM is the most probable of the three.
    calls = {"gbm": np.array([0, 1, 0]), "lower": np.array([1, 1, 0])}
    assert chain_calls(grades, calls).tolist() == [1, 2, 0]


def test_the_order_of_the_final_classes_does_not_matter():
    chain = chain_of(["IV", "III", "II"], STEPS)
    calls = {"gbm": np.array([0, 1, 0]), "lower": np.array([1, 1, 0])}
    assert [chain.classes[k] for k in chain_calls(chain, calls)] == ["III", "IV", "II"]
    found = chain_probabilities(
        chain, {"gbm": np.array([[0.8, 0.2]]), "lower": np.array([[0.25, 0.75]])}
    )
    assert found == pytest.approx(np.array([[0.2, 0.6, 0.2]]))


def test_a_chain_of_three_steps():
    steps = {
        "first": {"ab": ["a", "b"], "cd": ["c", "d"]},
        "second": {"a": ["a"], "b": ["b"]},
        "third": {"c": ["c"], "d": ["d"]},
    }
    chain = chain_of("abcd", steps)
    calls = {"first": np.array([0, 1]), "second": np.array([1, 0]), "third": np.array([0, 1])}
    assert chain_calls(chain, calls).tolist() == [1, 3]
    half = dict.fromkeys(steps, np.full((5, 2), 0.5))
    assert chain_probabilities(chain, half) == pytest.approx(np.full((5, 4), 0.25))


def test_steps_give_back_what_their_own_model_said(grades):
    rng = np.random.default_rng(0)
    own = {
        name: np.stack([p, 1 - p], 1) for name, p in zip(STEPS, rng.random((2, 20)), strict=True)
    }
    found = chain_probabilities(grades, own)
    for name, said in own.items():
        assert step_probabilities(grades, name, found) == pytest.approx(said)
    nothing = step_probabilities(grades, "lower", np.array([[0.0, 0.0, 1.0]]))
    assert nothing.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ({"gbm": STEPS["gbm"]}, "no step divides II, III"),
        ({"lower": STEPS["lower"]}, "the step lower divides II, III, which no earlier step"),
        ({"one": {"a": ["II", "III"], "b": ["III", "IV"]}}, "the step one does not part"),
        ({"gbm": STEPS["gbm"], "lower": {"II": ["II"], "x": []}}, "the step lower does not part"),
    ],
)
def test_steps_that_lead_nowhere_are_an_error(steps, problem):
    with pytest.raises(InputError, match=f"traits.chains.grade: {problem}"):
        chain_of(["II", "III", "IV"], steps, name="grade")


def drawn(truth, knows, rng):
    """Probabilities of three classes that tell GBM from the rest, and the grades as asked."""
    gbm = np.where(truth == 2, 0.9, 0.1) + 0.05 * rng.normal(size=len(truth))
    third = np.where(truth == 1, 0.9, 0.1) if knows else rng.random(len(truth))
    gbm = np.clip(gbm, 0.01, 0.99)
    return np.stack([(1 - gbm) * (1 - third), (1 - gbm) * third, gbm], 1)


def test_a_chain_that_knows_the_grades_is_better_in_that_step_alone(grades):
    rng = np.random.default_rng(1)
    truth = np.arange(90) % 3
    names = np.array([f"P{k}" for k in range(90)], object)
    judged = []
    for knows in (True, False):
        scores = drawn(truth, knows, rng)
        judged.append(Judged(truth, scores, scores.argmax(1), names, names))
    table = compare_with_single(grades, *judged, rng=rng, draws=200)
    area = table[(table["metric"] == "auroc") & table["class"].isin(["GBM", "III", "macro"])]
    area = area.set_index(["step", "model", "class"])
    assert area.loc[("gbm", "chain", "GBM"), "value"] == 1
    assert area.loc[("gbm", "single", "GBM"), "value"] == 1
    assert area.loc[("lower", "chain", "III"), "value"] == 1
    chance = area.loc[("lower", "single", "III")]
    assert chance["low"] < 0.5 < chance["high"]
    assert chance["n"] == chance["patients"] == 60
    assert (
        area.loc[("all", "chain", "macro"), "value"] > area.loc[("all", "single", "macro"), "value"]
    )
    other = judged[1]._replace(truth=truth[::-1])
    with pytest.raises(ValueError, match="different things"):
        compare_with_single(grades, judged[0], other, rng=rng)
