"""The job that scores a trait's slides, round by round, and lets the best rounds vote."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table
from histoniche.traits.brought_models import brought_choice
from histoniche.traits.evaluation import judge, patient_classes
from histoniche.traits.labels import IN
from histoniche.traits.predictions import read_networks
from histoniche.traits.roc import auroc, score_counts
from histoniche.traits.rounds import VALIDATION, roles_in_round
from histoniche.traits.scores import (
    ARGMAX,
    HALF,
    ThresholdRule,
    call_tiles,
    choose_threshold,
    slide_scores,
)
from histoniche.traits.voters import chosen_networks, tile_thresholds
from histoniche.traits.voting import ENSEMBLE, best_rounds, vote

Predictions = Mapping[int, Mapping[str, Path]]
"""Stores of probabilities by round and slide."""

Key = Literal["slide", "patient"]
"""What has a score."""


def score_trait(
    predictions: Predictions,
    labels: Path | None,
    rounds: Path | None,
    *,
    scores: Path,
    choice: Path,
    patients: Mapping[str, str],
    trait: str,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    brought: Path | None = None,
) -> None:
    """Score every slide by the network of each round and by the vote of the best.

    Parameters
    ----------
    predictions
        See `Predictions`; every round has every slide.
    labels, rounds
        As from `label_slides` and `write_rounds`; None for models that were brought along.
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
    brought
        The choice that came with models brought along; see `brought_choice`.
    """
    numbers = sorted(predictions)
    truth = validation_truth(labels, rounds, numbers)
    given = None if truth else brought_choice(numbers, brought, classes, settings)
    cuts = {
        number: _tile_threshold(predictions[number], own, classes, settings)
        for number, own in truth.items()
    }
    if given is not None:
        cuts = dict(zip(map(int, given["model"]), tile_thresholds(given), strict=True))
    rows: list[dict[str, Any]] = []
    for slide, networks in _slides(predictions, numbers, classes):
        shared = {"slide": slide, "patient": patients[slide], "trait": trait}
        for number, own in zip(numbers, networks, strict=True):
            calls = call_tiles(own, threshold=cuts[number])
            rows += _rows({**shared, "model": str(number)}, classes, own, calls)
    chosen = given
    if chosen is None:
        chosen = choose_rounds(pd.DataFrame(rows), truth, classes, settings)
        found = [cuts[int(name)] for name in chosen["model"]]
        chosen["tile_threshold"] = [np.nan if cut is None else cut for cut in found]
    best, thresholds = chosen_networks(chosen)
    for slide, networks in _slides(predictions, best, classes):
        voted = vote(networks, rule=settings["vote"], thresholds=thresholds)
        shared = {"slide": slide, "patient": patients[slide], "trait": trait, "model": ENSEMBLE}
        rows += _rows(shared, classes, voted.probabilities, voted.calls)
    write_table(pd.DataFrame(rows), scores)
    write_table(with_ensemble(chosen), choice)
    logging.info("%s: rounds %s vote", trait, ", ".join(map(str, best)))


def choose_rounds(
    scores: pd.DataFrame,
    validation: Mapping[int, Mapping[str, str]],
    classes: Sequence[str],
    settings: Mapping[str, Any],
    *,
    key: Key = "slide",
) -> pd.DataFrame:
    """Rank the rounds by the AUC of their own validation slides.

    Parameters
    ----------
    scores
        slide, patient, model (number of the round as text), class and the score.
    validation
        True class of each validation slide, or patient, by round.
    classes, settings
        As for `score_trait`.
    key
        `patient` where slides have no score of their own: then validation_slides is NaN.

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
        judged = judge(own, truth, classes, key=key, score=settings["score"], threshold=None)
        rule = _rule(settings, "slide_threshold", classes)
        # Where none can be chosen it is 0.5; NaN is the highest score.
        area, cut = np.nan, np.nan if settings["slide_threshold"] == ARGMAX else 0.5
        if len(set(judged.truth)) > 1:
            area = _area(judged.scores, judged.truth)
            if rule is not None:
                cut = choose_threshold(judged.scores[:, 1], judged.truth == 1, rule=rule)
        if len(classes) > 2:
            cut = np.nan
        slides = len(judged.truth) if key == "slide" else np.nan
        people = len(set(judged.patients))
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


def with_ensemble(choice: pd.DataFrame) -> pd.DataFrame:
    """Add the row of the ensemble, whose thresholds are the means of the chosen rounds."""
    voting = choice[choice["chosen"]]
    means = {name: voting[name].mean() for name in ("tile_threshold", "slide_threshold")}
    together = pd.DataFrame([{"model": ENSEMBLE, "chosen": True, **means}])
    return pd.concat([choice, together], ignore_index=True)


def validation_truth(
    labels: Path | None, rounds: Path | None, numbers: Sequence[int], *, key: Key = "slide"
) -> dict[int, dict[str, str]]:
    """True class of each validation slide, or patient, by round; nothing without labels."""
    if labels is None or rounds is None:
        return {}
    known, divided = read_table(labels), read_table(rounds)
    known = known[known["set"] == IN]
    truth = {}
    for number in numbers:
        mine = known[known["patient"].map(roles_in_round(divided, number)) == VALIDATION]
        by_slide = dict(zip(mine["slide"], mine["class"], strict=True))
        truth[number] = by_slide if key == "slide" else patient_classes(mine)
    return truth


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
