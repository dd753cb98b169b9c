"""The job that evaluates a trait: every model on test and OOD patients, by tile, slide, patient."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.randomness import generator
from histoniche.tables import read_table, write_table
from histoniche.traits.agreement import rank_agreement
from histoniche.traits.evaluation import Judged, evaluate, judge, patient_classes
from histoniche.traits.labels import FAR, IN, NEAR
from histoniche.traits.predictions import read_networks
from histoniche.traits.rounds import TEST, numbers_of, roles_in_round
from histoniche.traits.scores import patient_scores
from histoniche.traits.scoring import Predictions
from histoniche.traits.voters import chosen_networks
from histoniche.traits.voting import ENSEMBLE, Vote, vote

Level = Literal["tile", "slide", "patient"]

OUT_OF_FOLD = "out_of_fold"
"""In a cross-validation: each slide by the round that tests it. Networks of several rounds
are not on one scale, so that slides are called by their own network's threshold and compared
with those of the same network."""

OOD_NEAR, OOD_ALL, UNSEEN = "ood_near", "ood_all", "unseen"
"""Sets beside test: next to the cuts; everybody between them; these and the test patients."""

_OUTSIDE = {OOD_NEAR: (NEAR,), OOD_ALL: (NEAR, FAR)}

_Tiles = Mapping[str, NDArray[np.float16]]


class _Facts(NamedTuple):
    """What is known of a trait's slides, and what was chosen."""

    labels: pd.DataFrame
    rounds: pd.DataFrame
    scores: pd.DataFrame
    choice: pd.DataFrame
    classes: Sequence[str]
    settings: Mapping[str, Any]


def evaluate_trait(
    labels: Path,
    rounds: Path,
    scores: Path,
    choice: Path,
    *,
    metrics: Path,
    confusion: Path,
    roc: Path,
    agreement: Path,
    trait: str,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
    predictions: Predictions | None = None,
    draws: int = 1000,
) -> None:
    """Evaluate every round's network and their ensemble on patients whom they have not seen.

    Parameters
    ----------
    labels, rounds, scores, choice
        As from `label_slides`, `write_rounds` and `score_trait`.
    metrics, confusion, roc
        Written: the tables of `histoniche.traits.evaluation.Evaluation`, each row with
        trait, set (test, ood_near, ood_all), model (round, ensemble, out_of_fold) and level
        (tile, slide, patient). In OOD sets the true class is that above or below the median.
    agreement
        Written for expression: Spearman's correlation of the positive class's score with
        the measured percentile, by set (also `unseen`: test and OOD together), model and
        level: trait, set, model, level, rho, low, high, p, n, patients.
    trait, classes
        The trait, and its classes in their order.
    settings
        As for `score_trait`, and `patient`: dx1 or mean.
    seed
        Seed of the run.
    predictions
        As for `score_trait`; None, as of models without tiles, leaves out that level. Where
        bags of patients were judged, no slide has a score and the level is the patient alone.
    draws
        Draws of the intervals.
    """
    facts = _Facts(
        read_table(labels),
        read_table(rounds),
        read_table(scores),
        read_table(choice),
        classes,
        settings,
    )
    tiles = None if predictions is None else _read_tiles(facts, predictions)
    found: dict[str, list[pd.DataFrame]] = {"metrics": [], "confusion": [], "roc": []}
    agreed: list[dict[str, Any]] = []
    for name in (TEST, *_OUTSIDE):
        for model in [*map(str, numbers_of(facts.rounds)), ENSEMBLE, OUT_OF_FOLD]:
            members = _members(facts, name, model)
            for level, judged in _judged(facts, members, model, tiles).items():
                head = {"trait": trait, "set": name, "model": model, "level": level}
                rng = generator(seed, "traits", *head.values())
                for key, own in evaluate(judged, classes, rng=rng, draws=draws)._asdict().items():
                    kept = own.assign(**head)
                    found[key].append(kept[[*head, *own.columns]])
    for name in (TEST, *_OUTSIDE, UNSEEN):
        for model in [*map(str, numbers_of(facts.rounds)), ENSEMBLE, OUT_OF_FOLD]:
            for level in ("slide", "patient"):
                head = {"trait": trait, "set": name, "model": model, "level": level}
                rng = generator(seed, "agreement", *head.values())
                row = _agreement(
                    facts, _members(facts, name, model), model, level, rng=rng, draws=draws
                )
                agreed += [{**head, **row}] if row else []
    for path, key in ((metrics, "metrics"), (confusion, "confusion"), (roc, "roc")):
        write_table(pd.concat(found[key], ignore_index=True) if found[key] else _EMPTY, path)
    write_table(pd.DataFrame(agreed, columns=_AGREEMENT), agreement)


_EMPTY = pd.DataFrame(columns=["trait", "set", "model", "level"], dtype=object)
_AGREEMENT = [*_EMPTY.columns, "rho", "low", "high", "p", "n", "patients"]


def _members(facts: _Facts, name: str, model: str) -> pd.DataFrame:
    """Labels of the slides that a model is evaluated on in a set."""
    labels = facts.labels
    outside = labels[labels["set"].isin(_OUTSIDE.get(name, (NEAR, FAR)))]
    if name in _OUTSIDE:
        return outside.iloc[:0] if model == OUT_OF_FOLD else outside
    inside = labels[labels["set"] == IN]
    aside = facts.rounds["round"].isna()
    divided = facts.rounds[facts.rounds["role"] == TEST]
    if model in (ENSEMBLE, OUT_OF_FOLD):
        # Whom some round has tested, others have trained on.
        wanted = aside if model == ENSEMBLE else ~aside
        tested = set(divided.loc[wanted[divided.index], "patient"])
    else:
        roles = roles_in_round(facts.rounds, int(model))
        tested = set(roles.index[roles == TEST])
    inside = inside[inside["patient"].isin(tested)]
    if name == UNSEEN and model != OUT_OF_FOLD:
        return pd.concat([inside, outside])
    return inside


def _testing(facts: _Facts, patients: "pd.Series[str]") -> "pd.Series[str]":
    """Model of the round that tests each patient; none of those whom none does."""
    tests = facts.rounds[(facts.rounds["role"] == TEST) & facts.rounds["round"].notna()]
    return patients.map(dict(zip(tests["patient"], tests["round"].astype(str), strict=True)))


def _scores(facts: _Facts, members: pd.DataFrame, model: str) -> pd.DataFrame:
    """Scores of some slides by a model."""
    scores = facts.scores
    of = _testing(facts, scores["patient"]) if model == OUT_OF_FOLD else model
    mine = scores["model"] == of
    # A patient's bag is of no slide of its own.
    key = "patient" if scores["slide"].isna().all() else "slide"
    return scores[mine & scores[key].isin(set(members[key]))]


def _judged(
    facts: _Facts, members: pd.DataFrame, model: str, tiles: _Tiles | None
) -> dict[Level, Judged]:
    """What a model says of the members of a set, by level; nothing where there is nobody."""
    known = members.dropna(subset=["class"])
    scores = _scores(facts, known, model)
    settings = facts.settings
    common: dict[str, Any] = {"score": settings["score"], "threshold": _cut(facts, model)}
    truth = dict(zip(known["slide"], known["class"], strict=True))
    found: dict[Level, Judged] = {}
    if tiles is not None:
        found["tile"] = _judged_tiles(facts, known, model, tiles)
    if scores["slide"].notna().any():
        found["slide"] = judge(scores, truth, facts.classes, key="slide", **common)
    people = patient_scores(scores.drop(columns=["tiles"]), rule=settings["patient"])
    found["patient"] = judge(people, patient_classes(known), facts.classes, key="patient", **common)
    return {level: judged for level, judged in found.items() if len(judged.truth)}


def _read_tiles(facts: _Facts, predictions: Predictions) -> _Tiles:
    """Probabilities of the tiles of all slides that are evaluated, (rounds, tiles, classes)."""
    tested = set(facts.rounds.loc[facts.rounds["role"] == TEST, "patient"])
    labels = facts.labels.dropna(subset=["class"])
    inside = (labels["set"] == IN) & labels["patient"].isin(tested)
    numbers = numbers_of(facts.rounds)
    return {
        slide: read_networks([predictions[number][slide] for number in numbers], facts.classes)
        for slide in labels.loc[inside | labels["set"].isin([NEAR, FAR]), "slide"]
    }


def _judged_tiles(facts: _Facts, members: pd.DataFrame, model: str, tiles: _Tiles) -> Judged:
    """What a model says of every tile of some slides; a tile's truth is its slide's class."""
    models = members["patient"].map(lambda _: model)
    if model == OUT_OF_FOLD:
        models = _testing(facts, members["patient"])
    found = [
        _voted(facts, name, tiles[slide])
        for slide, name in zip(members["slide"], models, strict=True)
    ]
    counts = [len(one.calls) for one in found]
    truth = np.array([facts.classes.index(label) for label in members["class"]], dtype=np.intp)
    nothing = np.empty((0, len(facts.classes)), np.float16)
    return Judged(
        np.repeat(truth, counts),
        np.concatenate([nothing, *(one.probabilities.astype(np.float16) for one in found)]),
        np.concatenate([np.empty(0, np.int8), *(one.calls for one in found)]),
        np.repeat(members["patient"].to_numpy(object), counts),
        np.repeat(members["slide"].to_numpy(object), counts),
        np.repeat(models.to_numpy(object), counts),
    )


def _voted(facts: _Facts, model: str, networks: NDArray[np.float16]) -> Vote:
    """What a model says of the tiles of a slide, of which every round's network spoke."""
    own = facts.choice[facts.choice["model"] == model].assign(chosen=True)
    names, thresholds = chosen_networks(facts.choice if model == ENSEMBLE else own)
    places = [numbers_of(facts.rounds).index(name) for name in names]
    return vote(networks[places], rule=facts.settings["vote"], thresholds=thresholds)


def _cut(facts: _Facts, model: str) -> dict[str, float] | None:
    """Threshold of the slides of a model, or of each; None for the highest score."""
    rows = facts.choice["model"] == model
    if model == OUT_OF_FOLD:
        rows = facts.choice["model"] != ENSEMBLE
    own = facts.choice.loc[rows, ["model", "slide_threshold"]].astype({"slide_threshold": float})
    if own["slide_threshold"].isna().any():
        return None
    return dict(zip(own["model"], own["slide_threshold"], strict=True))


def _agreement(
    facts: _Facts, members: pd.DataFrame, model: str, level: str, **drawing: Any
) -> dict[str, Any] | None:
    """Agreement of a model's scores with the percentiles measured; None where there are none."""
    percentile = members.dropna(subset=["percentile"]).drop_duplicates(level)
    scores = _scores(facts, percentile, model)
    if level == "slide":
        scores = scores.dropna(subset=["slide"])
    else:
        scores = patient_scores(scores.drop(columns=["tiles"]), rule=facts.settings["patient"])
    own = scores[scores["class"] == facts.classes[-1]].dropna(subset=[facts.settings["score"]])
    if own.empty:
        return None
    measured = own[level].map(percentile.set_index(level)["percentile"])
    return rank_agreement(
        own[facts.settings["score"]].to_numpy(np.float64),
        measured.to_numpy(np.float64),
        own["patient"].to_numpy(object),
        own["model"].to_numpy(object),
        **drawing,
    )._asdict()
