"""The job that judges bags by gated attention: their scores, and the attention of their tiles."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from histoniche.cohort.splits import SEEN, patient_digest, unseen
from histoniche.errors import InputError
from histoniche.learning.bags import SAME
from histoniche.learning.mil import BagModel, load_bag_model
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table
from histoniche.traits.brought_models import brought_choice
from histoniche.traits.findings import write_findings
from histoniche.traits.scoring import Key, choose_rounds, validation_truth, with_ensemble
from histoniche.traits.voters import chosen_networks, voters_of
from histoniche.traits.voting import ENSEMBLE

Floats = NDArray[np.floating]


class _Group(NamedTuple):
    """The slides of one bag."""

    name: str
    patient: str
    stores: Mapping[str, TileStore]

    def features(self) -> Floats | None:
        """Features of all tiles, slide by slide; None of a bag without tiles."""
        parts = [store.column("features") for store in self.stores.values() if len(store)]
        return np.concatenate(parts) if parts else None


def score_trait_mil(
    features: Mapping[str, Path],
    models: Mapping[int, Path],
    labels: Path | None,
    rounds: Path | None,
    *,
    scores: Path,
    choice: Path,
    outs: Mapping[str, Path],
    patients: Mapping[str, str],
    trait: str,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    bag: Key,
    threads: int,
    brought: Path | None = None,
) -> None:
    """Judge every bag by the network of each round and by the best of them together.

    Parameters
    ----------
    features
        Folders of the slides' features, by slide.
    models
        Folders of the models, by round.
    labels, rounds, brought
        As for `histoniche.traits.scoring.score_trait`.
    scores
        Written as by `score_trait`: share and mean are both the bag's probability. Bags of
        patients have no slide; tiles counts those of all their slides.
    choice
        Written as by `score_trait`, without thresholds of tiles.
    outs
        Folders to write, by slide: stores with the column `attention`, float32 (tiles,), in
        the order of the tiles, which over all tiles of a bag sums to 1: the mean over the
        networks that judge the patient (see `voters_of`), of these over those that have not
        seen the patient where there are some. Attributes say which (networks), whether they
        had seen the patient (seen), of how many slides (bag_slides) and tiles (bag_tiles) the
        bag is, and what they say of it (classes, probabilities).
    patients
        Patient of each slide.
    trait, classes
        The trait, and its classes in their order.
    settings
        `best` and `slide_threshold`, as for `score_trait`.
    bag, threads
        What a bag is; CPU threads.

    Raises
    ------
    InputError
        If a model is of other classes, or learned from features of another encoder or tiling.
    """
    torch.set_num_threads(threads)
    loaded = {number: load_bag_model(models[number]) for number in sorted(models)}
    _check_models(loaded, models, classes)
    bags = list(_groups(features, patients, bag))
    rows: list[dict[str, Any]] = []
    for own in bags:
        _check_features(own, loaded)
        slide = own.name if bag == "slide" else None
        shared = {"slide": slide, "patient": own.patient, "trait": trait}
        rows += _judged(own, loaded, classes, shared)
    settings = {**settings, "score": "mean", "tile_threshold": "argmax"}
    truth = validation_truth(labels, rounds, list(loaded), key=bag)
    table = pd.DataFrame(rows)
    if truth:
        chosen = choose_rounds(table, truth, classes, settings, key=bag)
    else:
        chosen = brought_choice(list(loaded), brought, classes, settings)
    chosen["tile_threshold"] = np.nan
    best = chosen_networks(chosen).rounds
    write_table(_with_mean(table, best), scores)
    write_table(with_ensemble(chosen), choice)
    logging.info("%s: rounds %s judge together", trait, ", ".join(map(str, best)))
    divided = None if rounds is None else read_table(rounds)
    for own in bags:
        judges = voters_of(own.patient, choice=chosen, rounds=divided, there=loaded).rounds
        _write_attention(own, loaded, judges, outs, trait=trait)


def _groups(
    features: Mapping[str, Path], patients: Mapping[str, str], bag: Key
) -> Iterator[_Group]:
    """The bags, by name."""
    groups: dict[str, list[str]] = {}
    for slide in sorted(features):
        groups.setdefault(patients[slide] if bag == "patient" else slide, []).append(slide)
    for name, slides in sorted(groups.items()):
        stores = {slide: TileStore(features[slide]) for slide in slides}
        yield _Group(name, patients[slides[0]], stores)


def _judged(
    group: _Group,
    models: Mapping[int, BagModel],
    classes: Sequence[str],
    shared: Mapping[str, str | None],
) -> list[dict[str, Any]]:
    """Rows of the scores of one bag by each model."""
    features = group.features()
    tiles = 0 if features is None else len(features)
    rows = []
    for number, model in models.items():
        nothing = np.full(len(classes), np.nan)
        found = nothing if features is None else model.judge(features)[0]
        for name, value in zip(classes, found.tolist(), strict=True):
            own = {"model": str(number), "class": name, "tiles": tiles}
            rows.append({**shared, **own, "share": value, "mean": value})
    return rows


def _with_mean(scores: pd.DataFrame, best: Sequence[int]) -> pd.DataFrame:
    """Add the rows of the ensemble: the mean over the chosen rounds."""
    chosen = scores[scores["model"].isin([str(number) for number in best])]
    keys = ["slide", "patient", "trait", "class", "tiles"]
    mean = chosen.groupby(keys, sort=False, dropna=False)[["share", "mean"]].mean().reset_index()
    return pd.concat([scores, mean.assign(model=ENSEMBLE)[scores.columns]], ignore_index=True)


def _write_attention(
    group: _Group,
    models: Mapping[int, BagModel],
    judges: Sequence[int],
    outs: Mapping[str, Path],
    *,
    trait: str,
) -> None:
    """Write what the tiles of a bag's slides have of its attention."""
    known = [models[number].description["patients_sha256"] for number in judges]
    fresh = unseen(known, group.patient)
    digest = patient_digest(group.patient)
    stated: dict[str, Any] = {
        "trait": trait,
        "bag": group.name,
        "bag_slides": len(group.stores),
        "classes": models[judges[0]].description["classes"],
        "networks": [judges[place] for place in fresh],
        "seen": any(digest in known[place].get(side, ()) for place in fresh for side in SEEN),
    }
    features = group.features()
    attention = np.empty(0)
    if features is not None:
        answers = [models[judges[place]].judge(features) for place in fresh]
        probabilities, attention = (np.mean(one, axis=0) for one in zip(*answers, strict=True))
        stated["probabilities"] = [float(value) for value in probabilities]
    stated["bag_tiles"] = len(attention)
    start = 0
    for slide, store in group.stores.items():
        part = attention[start : start + len(store)].astype(np.float32)
        start += len(store)
        write_findings(store, outs[slide], {"attention": part}, stated)


def _check_models(
    models: Mapping[int, BagModel], folders: Mapping[int, Path], classes: Sequence[str]
) -> None:
    """All networks of a trait tell its classes."""
    for number, model in models.items():
        given = list(model.description["classes"])
        if given != list(classes):
            raise InputError(
                f"the model finds {', '.join(given)} instead of {', '.join(classes)}",
                file=folders[number],
                remedy="choose the trait and model that belong together",
            )


def _check_features(group: _Group, models: Mapping[int, BagModel]) -> None:
    """A network sees whole features of the encoder and tiling that it was trained on."""
    for slide, store in group.stores.items():
        store.check()
        for model in models.values() if len(store) else ():
            for key in SAME:
                if store.attributes[key] != model.description[key]:
                    raise InputError(
                        f"the model was trained on features with {model.description[key]}, "
                        f"those of {slide} have {store.attributes[key]}",
                        column=key,
                        remedy="take features and models of one run",
                    )
