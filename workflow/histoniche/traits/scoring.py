"""The job that scores a trait's slides, round by round, and lets the best rounds vote."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table
from histoniche.traits.evaluation import judge
from histoniche.traits.labels import IN
from histoniche.traits.predictions import chosen_networks, read_networks
from histoniche.traits.roc import auroc, score_counts
from histoniche.traits.rounds import VALIDATION, numbers_of, roles_in_round
from histoniche.traits.scores import (
    ThresholdRule,
    call_tiles,
    choose_threshold,
    slide_scores,
)
from histoniche.traits.voting import ENSEMBLE, best_rounds, vote

ARGMAX, HALF = "argmax", "half"
"""Thresholds that are not chosen: the highest score, and 0.5. Of a binary trait the same."""

Predictions = Mapping[int, Mapping[str, Path]]
"""Stores of probabilities by round and slide."""


def score_trait(
    predictions: Predictions,
    labels: Path,
    rounds: Path,
    *,
    scores: Path,
    choice: Path,
    patients: Mapping[str, str],
    trait: str,
    classes: Sequence[str],
    settings: Mapping[str, Any],
) -> None:
    """Score every slide by the network of each round and by the vote of the best.

    Parameters
    ----------
    predictions
        See `Predictions`; every round has every slide.
    labels, rounds
        As from `label_slides` and `write_rounds`.
    scores
        Written, one row a model, slide and class: slide, patient, trait, model, class,
        tiles, share, mean; the latter two NaN for a slide without tiles.
    choice
        Written, one row a model: model, validation_auc (by slide, macro average of more
        than two classes), validation_patients, validation_slides, rank (from 1), chosen,
        tile_threshold, slide_threshold (NaN: the highest score).
    patients
        Patient of each slide.
    trait, classes
        The trait, and its classes in their order.
    settings
        `score` (share or mean: by which slides are judged), `best` (how many rounds
        vote), `vote` (majority or mean), `tile_threshold` and `slide_threshold`: argmax,
        half, or a rule by which each round's validation patients choose it. Those of the
        ensemble are the means of its rounds.
    """
    known, divided = read_table(labels), read_table(rounds)
    numbers = numbers_of(divided)
    truth = {number: _validation(known, divided, number) for number in numbers}
    cuts = {
        number: _tile_threshold(predictions[number], truth[number], classes, settings)
        for number in numbers
    }
    rows: list[dict[str, Any]] = []
    for slide, networks in _slides(predictions, numbers, classes):
        shared = {"slide": slide, "patient": patients[slide], "trait": trait}
        for number, own in zip(numbers, networks, strict=True):
            calls = call_tiles(own, threshold=cuts[number])
            rows += _rows({**shared, "model": str(number)}, classes, own, calls)
    table = pd.DataFrame(rows)
    chosen = choose_rounds(table, truth, classes, settings)
    chosen["tile_threshold"] = [
        np.nan if (cut := cuts[int(name)]) is None else cut for name in chosen["model"]
    ]
    best, thresholds = chosen_networks(chosen)
    voting = chosen[chosen["chosen"]]
    for slide, networks in _slides(predictions, best, classes):
        found = vote(networks, rule=settings["vote"], thresholds=thresholds)
        shared = {"slide": slide, "patient": patients[slide], "trait": trait, "model": ENSEMBLE}
        rows += _rows(shared, classes, found.probabilities, found.calls)
    together = {"model": ENSEMBLE, "chosen": True}
    means = {name: voting[name].mean() for name in ("tile_threshold", "slide_threshold")}
    chosen = pd.concat([chosen, pd.DataFrame([{**together, **means}])], ignore_index=True)
    write_table(pd.DataFrame(rows), scores)
    write_table(chosen, choice)
    logging.info("%s: rounds %s vote", trait, ", ".join(map(str, best)))


def choose_rounds(
    scores: pd.DataFrame,
    validation: Mapping[int, Mapping[str, str]],
    classes: Sequence[str],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Rank the rounds by the AUC of their own validation slides.

    Parameters
    ----------
    scores
        slide, patient, model (number of the round as text), class and the score.
    validation
        True class of each validation slide by round.
    classes, settings
        As for `score_trait`.

    Returns
    -------
    What `score_trait` writes as `choice`, without the tiles' thresholds and the ensemble;
    the best round first.

    Raises
    ------
    InputError
        If no round has validation patients of two classes.
    """
    rows: list[dict[str, Any]] = []
    for number, truth in validation.items():
        own = scores[scores["model"] == str(number)]
        judged = judge(own, truth, classes, key="slide", score=settings["score"], threshold=None)
        rule = _rule(settings, "slide_threshold", classes)
        # Where none can be chosen it is 0.5; NaN is the highest score.
        area, cut = np.nan, np.nan if settings["slide_threshold"] == ARGMAX else 0.5
        if len(set(judged.truth)) > 1:
            area = _area(judged.scores, judged.truth)
            if rule is not None:
                cut = choose_threshold(judged.scores[:, 1], judged.truth == 1, rule=rule)
        if len(classes) > 2:
            cut = np.nan
        people, slides = len(set(judged.patients)), len(judged.truth)
        counts = {"validation_patients": people, "validation_slides": slides}
        row = {"model": str(number), "validation_auc": area, **counts}
        rows.append({**row, "slide_threshold": cut})
    auc = {int(row["model"]): float(row["validation_auc"]) for row in rows}
    order = best_rounds(auc, len(auc))
    chosen = order[: settings["best"]]
    table = pd.DataFrame(rows)
    table["rank"] = [
        order.index(int(name)) + 1 if int(name) in order else np.nan for name in table["model"]
    ]
    table["chosen"] = [int(name) in chosen for name in table["model"]]
    return table.sort_values("rank", kind="stable", ignore_index=True)


def _validation(labels: pd.DataFrame, rounds: pd.DataFrame, number: int) -> dict[str, str]:
    """True class of each validation slide of a round."""
    roles = labels["patient"].map(roles_in_round(rounds, number))
    mine = labels[(labels["set"] == IN) & (roles == VALIDATION)]
    return dict(zip(mine["slide"], mine["class"], strict=True))


def _area(scores: NDArray[np.floating], truth: NDArray[np.intp]) -> float:
    """AUC of slides: of the positive class, or the mean of one class against the rest."""
    everybody = np.zeros(len(truth), np.intp)
    shown = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    areas = []
    for k in shown:
        counted = score_counts(scores[:, k], truth == k, everybody, patients=1)
        areas.append(float(auroc(counted.counts[0])))
    return float(np.nanmean(areas))


def _tile_threshold(
    stores: Mapping[str, Path],
    truth: Mapping[str, str],
    classes: Sequence[str],
    settings: Mapping[str, Any],
) -> float | None:
    """Threshold of a round's tiles, chosen on those of its validation slides where asked."""
    if settings["tile_threshold"] == HALF and len(classes) == 2:
        return 0.5
    rule = _rule(settings, "tile_threshold", classes)
    if rule is None:
        return None
    found, positive = [np.empty(0)], [np.empty(0, dtype=bool)]
    for slide, label in truth.items():
        own = read_networks([stores[slide]], classes)[0][:, 1]
        found.append(own.astype(np.float64))
        positive.append(np.full(len(own), label == classes[1]))
    tiles, sides = np.concatenate(found), np.concatenate(positive)
    if sides.all() or not sides.any():
        logging.warning("no threshold can be chosen on tiles of one class: 0.5 is taken")
        return 0.5
    return choose_threshold(tiles, sides, rule=rule)


def _rule(settings: Mapping[str, Any], key: str, classes: Sequence[str]) -> ThresholdRule | None:
    """Rule by which a threshold is chosen; None if none is."""
    name = str(settings[key])
    if name in (ARGMAX, HALF):
        return None
    known: tuple[ThresholdRule, ...] = get_args(ThresholdRule)
    if name not in known or len(classes) != 2:
        raise InputError(
            "no such threshold" if name not in known else "only two classes have a threshold",
            column=f"traits.scoring.{key}",
            value=name,
            remedy=f"choose among {', '.join((ARGMAX, HALF, *known))}; argmax for more classes",
        )
    return next(rule for rule in known if rule == name)


def _slides(
    predictions: Predictions, numbers: Sequence[int], classes: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.float16]]]:
    """Each slide with its probabilities by some rounds, (rounds, tiles, classes)."""
    for slide in predictions[numbers[0]]:
        yield slide, read_networks([predictions[number][slide] for number in numbers], classes)


def _rows(
    shared: Mapping[str, Any],
    classes: Sequence[str],
    probabilities: NDArray[np.floating],
    calls: NDArray[np.int8],
) -> list[dict[str, Any]]:
    """Rows of the scores of one slide by one model."""
    share, mean = slide_scores(probabilities, calls)
    return [
        {**shared, "class": name, "tiles": len(calls), "share": float(a), "mean": float(b)}
        for name, a, b in zip(classes, share, mean, strict=True)
    ]
