"""The block traits: its defaults, and what of it does not go together."""

import pytest

from classifier_settings import CLASSIFIER, FEATURES, MIL
from histoniche.cohort.config import check_config
from histoniche.cohort.trait_problems import _MOST_TRAITS
from histoniche.errors import InputError
from histoniche.traits.heterogeneity import MOST_TRAITS

MGMT = {"labels": {"column": "mgmt", "classes": ["unmethylated", "methylated"]}}
EGFR = {"expression": {"gene": "EGFR"}}
GRADE = {"labels": {"column": "grade", "classes": ["II", "III", "IV"]}}
HIGH = {"labels": {"column": "grade", "classes": {"lower": ["II", "III"], "gbm": ["IV"]}}}
LOW = {"labels": {"column": "grade", "classes": ["II", "III"]}}
CHAIN = {"grade": GRADE, "high": HIGH, "low": LOW}
STEPS = {
    "high": {"lower": ["II", "III"], "gbm": ["IV"]},
    "low": {"II": ["II"], "III": ["III"]},
}
BY_BAGS = {**MGMT, "method": "mil"}
TILINGS = {
    "cell": {"mpp": 0.5, "size": 256},
    "region": {"mpp": 8, "size": 128},
    "whole": {"fit_px": 1024, "size": 128},
}


def config_of(named=None, *, blocks=None, **traits):
    return {
        "cohort": {"patients": "patients.tsv", "slides": "slides.tsv"},
        "tilings": TILINGS,
        "expression": {"path": "e.tsv"},
        "traits": {"named": named or {"mgmt": MGMT}, **traits},
        **(blocks or {}),
    }


def check(*arguments, **keys):
    return check_config(config_of(*arguments, **keys), file="c.yaml")["traits"]


def test_defaults_are_those_that_the_package_is_tested_with():
    traits = check(features={})
    assert traits["training"] == CLASSIFIER
    assert traits["mil"] == MIL
    assert traits["features"] == FEATURES
    assert traits["scoring"] == {
        "score": "mean", "best": 3, "vote": "majority", "tile_threshold": "argmax",
        "slide_threshold": "youden", "patient": "dx1",
    }  # fmt: skip
    assert (traits["tiling"], traits["rounds"]["rounds"]) == ("cell", 5)
    assert check({"egfr": EGFR})["named"]["egfr"]["expression"] == {
        "gene": "EGFR", "low": 0.2, "high": 0.8, "near": 0.1,
    }  # fmt: skip


def test_classes_and_steps_keep_their_order():
    labels = {"column": "x", "classes": {"wild": ["wt"], "mutant": ["R132H", "R132C"]}}
    chain = {"single": "grade", "steps": STEPS}
    named = {"idh": {"labels": labels}, **CHAIN}
    traits = check(named, chains={"modular": chain})
    assert list(traits["named"]["idh"]["labels"]["classes"]) == ["wild", "mutant"]
    assert list(traits["chains"]["modular"]["steps"]["high"]) == ["lower", "gbm"]
    turned = {**chain, "steps": dict(reversed(STEPS.items()))}
    assert list(check(named, chains={"modular": turned})["chains"]["modular"]["steps"]) == [
        "low",
        "high",
    ]


def test_a_block_of_an_override_has_its_own_defaults():
    own = {**MGMT, "training": {"augment": {"hue": {"probability": 1}}}}
    augment = check({"mgmt": own})["named"]["mgmt"]["training"]["augment"]
    assert augment == {
        **CLASSIFIER["augment"],
        "hue": {**CLASSIFIER["augment"]["hue"], "probability": 1},
    }


def test_combinations_are_as_many_as_the_package_counts():
    assert _MOST_TRAITS == MOST_TRAITS


def cuts(**changes):
    return {"egfr": {"expression": {"gene": "EGFR", **changes}}}


def trait(**changes):
    return {"mgmt": {**MGMT, **changes}}


NO_SLIDES = {"cohort": {"patients": "patients.tsv"}}
SURVIVAL = {"survival": {"genes": ["HTI"]}}
TWO = {"a": MGMT, "b": EGFR}
PROBLEMS = {
    "no traits": (None, {"blocks": {"traits": {"named": {}}}}, ["traits.named"]),
    "a name with a slash": ({"a/b": MGMT}, {}, ["traits.named", "'a/b'"]),
    "a name that is taken": ({"maps": MGMT}, {}, ["traits.named.maps", "rename it"]),
    "no labels": ({"a": {}}, {}, ["traits.named.a", "needs either labels or expression"]),
    "two sources": ({"a": {**MGMT, **EGFR}}, {}, ["traits.named.a", "either labels or"]),
    "one class": (
        {"a": {"labels": {"column": "x", "classes": ["y"]}}},
        {},
        ["traits.named.a.labels.classes"],
    ),
    "a truth value": (
        {"a": {"labels": {"column": "x", "classes": [False, True]}}},
        {},
        ["traits.named.a.labels.classes.0", "truth values", "in quotes"],
    ),
    "a value in two classes": (
        {"a": {"labels": {"column": "x", "classes": {"p": [1, 2], "q": ["2"]}}}},
        {},
        ["traits.named.a.labels.classes", "'2'", "in two classes"],
    ),
    "expression without its block": (
        {"a": EGFR},
        {"blocks": {"expression": None}},
        ["column expression", "traits.named.a.expression needs it"],
    ),
    "cuts that cross": (cuts(low=0.8, high=0.2), {}, ["egfr.expression", "out of order"]),
    "near that overlaps": (cuts(near=0.31), {}, ["egfr.expression", "half of what is between"]),
    "no sheet of slides": (None, {"blocks": NO_SLIDES}, ["cohort.slides", "no sheet"]),
    "no such tiling": (
        None,
        {"tiling": "cells"},
        ["traits.tiling", "'cells'", "did you mean cell?"],
    ),
    "no such own tiling": (trait(tiling="x"), {}, ["named.mgmt.tiling", "no such tiling"]),
    "no resolution": (
        trait(tiling="whole"),
        {},
        ["named.mgmt.tiling", "'whole'", "differs from slide to slide", "with mpp"],
    ),
    "a crop": (
        None,
        {"training": {"crop": 512}},
        ["traits.training.crop", "larger than the tiles", "at most 256"],
    ),
    "a crop of its own": (
        trait(tiling="region", training={"crop": 256}),
        {},
        ["named.mgmt.training.crop", "at most 128"],
    ),
    "an encoder frozen at random": (
        None,
        {"training": {"frozen_epochs": None}},
        ["traits.training.frozen_epochs", "name encoder_weights"],
    ),
    "a loss of pixels": (
        None,
        {"training": {"loss": ["dice"]}},
        ["traits.training.loss.0", "'dice'", "focal"],
    ),
    "a typo in an override": (
        trait(training={"epoch": 3}),
        {},
        ["named.mgmt.training.epoch", "did you mean epochs?"],
    ),
    "bags without features": ({"a": BY_BAGS}, {}, ["traits.features", "method mil of a needs it"]),
    "features of no weights": (
        {"a": BY_BAGS},
        {"features": {"encoder_weights": None}},
        ["traits.features.encoder_weights"],
    ),
    "training of bags": (
        {"a": {**BY_BAGS, "training": {"epochs": 3}}},
        {"features": {}},
        ["named.a.training", "mil has no use for it", "write mil"],
    ),
    "attention of tiles": (
        trait(mil={"epochs": 3}),
        {},
        ["named.mgmt.mil", "tiles has no use for it", "write training"],
    ),
    "nobody trains": (
        None,
        {"rounds": {"test": 0.5, "validation": 0.5}},
        ["traits.rounds", "no patient would train"],
    ),
    "a chain with brought models": (
        CHAIN,
        {"pretrained": "m", "chains": {"c": {"single": "grade", "steps": STEPS}}},
        ["traits.chains", "nothing is evaluated"],
    ),
    "a chain of a trait that there is not": (
        CHAIN,
        {"chains": {"c": {"single": "grad", "steps": STEPS}}},
        ["traits.chains.c.single", "'grad'", "did you mean grade?"],
    ),
    "a step of bags": (
        {**CHAIN, "low": {**LOW, "method": "mil"}},
        {"features": {}, "chains": {"c": {"single": "grade", "steps": STEPS}}},
        ["traits.chains.c.steps.low", "names whole slides"],
    ),
    "a step without a class": (
        CHAIN,
        {"chains": {"c": {"single": "grade", "steps": {"grade": {"II": ["II"], "IV": ["IV"]}}}}},
        ["traits.chains.c.steps.grade", "'III'", "not in the step"],
    ),
    "a step of an unknown class": (
        CHAIN,
        {"chains": {"c": {"single": "grade", "steps": {**STEPS, "low": {
            "II": ["II"], "III": ["III"], "I": ["IV"]}}}}},
        ["traits.chains.c.steps.low", "'I'", "no such class"],
    ),
    "a step to an unknown class": (
        CHAIN,
        {"chains": {"c": {"single": "grade", "steps": {**STEPS, "low": {
            "II": ["II"], "III": ["IIII"]}}}}},
        ["traits.chains.c.steps.low.III", "'IIII'", "did you mean III?"],
    ),
    "an index of a trait that there is not": (
        TWO,
        {"heterogeneity": {"HTI": {"traits": ["a", "bb"]}}},
        ["traits.heterogeneity.HTI", "'bb'", "no such trait", "did you mean b?"],
    ),
    "an index of bags": (
        {**TWO, "b": BY_BAGS},
        {"features": {}, "heterogeneity": {"HTI": {"traits": ["a", "b"]}}},
        ["traits.heterogeneity.HTI", "'b'", "names whole slides"],
    ),
    "an index of three classes": (
        {**TWO, "g": GRADE},
        {"heterogeneity": {"HTI": {"traits": ["a", "g"]}}},
        ["traits.heterogeneity.HTI", "'g'", "3 classes"],
    ),
    "an index of two tilings": (
        {**TWO, "b": {**EGFR, "tiling": "region"}},
        {"heterogeneity": {"HTI": {"traits": ["a", "b"]}}},
        ["traits.heterogeneity.HTI", "'b'", "on the tiling cell, this on region"],
    ),
    "indices of two tilings": (
        {**TWO, **{name: {**EGFR, "tiling": "region"} for name in "cd"}},
        {"heterogeneity": {"one": {"traits": ["a", "b"]}, "two": {"traits": ["c", "d"]}}},
        ["traits.heterogeneity.two", "one tiling in all indices"],
    ),
    "an index of too many": (
        {f"t{k}": EGFR for k in range(13)},
        {"heterogeneity": {"HTI": {"traits": [f"t{k}" for k in range(13)]}}},
        ["traits.heterogeneity.HTI", "13 traits", "at most 12"],
    ),
    "an index of one": (
        TWO,
        {"heterogeneity": {"HTI": {"traits": ["a"]}}},
        ["traits.heterogeneity.HTI.traits"],
    ),
    "an index whose name a gene has": (
        TWO,
        {"heterogeneity": {"HTI": {"traits": ["a", "b"]}}, "blocks": SURVIVAL},
        ["traits.heterogeneity.HTI", "survival.genes has this name too"],
    ),
    "a comparison of a trait that there is not": (
        TWO,
        {"comparisons": {"x": {"first": "a", "second": "aa"}}},
        ["traits.comparisons.x.second", "'aa'", "did you mean a?"],
    ),
    "a comparison of different labels": (
        TWO,
        {"comparisons": {"x": {"first": "a", "second": "b"}}},
        ["traits.comparisons.x", "a and b have different labels"],
    ),
    "a comparison of turned classes": (
        {"a": HIGH, "b": {"labels": {"column": "grade", "classes": {
            "gbm": ["IV"], "lower": ["II", "III"]}}}},
        {"comparisons": {"x": {"first": "a", "second": "b"}}},
        ["traits.comparisons.x", "different labels"],
    ),
    "a comparison with itself": (
        TWO,
        {"comparisons": {"x": {"first": "a", "second": "a"}}},
        ["traits.comparisons.x", "with itself"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_mistake_is_one_line_with_key_and_remedy(case):
    named, traits, words = PROBLEMS[case]
    config = config_of(named, **traits)
    config = {key: value for key, value in config.items() if value is not None}
    with pytest.raises(InputError) as caught:
        check_config(config, file="c.yaml")
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line, line


def test_what_goes_together_is_accepted():
    named = {**CHAIN, "mgmt": MGMT, "bags": {**BY_BAGS, "mil": {"bag": "patient"}}, "egfr": EGFR}
    traits = check(
        named,
        features={},
        chains={"modular": {"single": "grade", "steps": STEPS, "test": "paired"}},
        heterogeneity={"HTI": {"traits": ["mgmt", "egfr"]}},
        comparisons={"ways": {"first": "mgmt", "second": "bags"}},
        # An index alone is a score.
        blocks={"survival": {}},
    )
    assert traits["hti"] == {"among": "unseen", "patient": "dx1"}
    assert traits["comparisons"]["ways"]["test"] == "corrected"
    # Only their models know the classes.
    assert check({"a": {}, "b": {}}, pretrained="models")["pretrained"] == "models"
