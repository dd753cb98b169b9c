"""Slide labels learned from slides: gated attention on features, divided by patient."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from histoniche.cohort.splits import SEEN, patient_digest, unseen
from histoniche.errors import InputError
from histoniche.learning.bags import SAME, Bag
from histoniche.learning.mil import BagModel, load_bag_model, train_mil
from histoniche.randomness import derived_seed
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table
from histoniche.traits.findings import write_findings
from histoniche.traits.training import sides_of_round

Kind = Literal["slide", "patient"]


def train_trait_mil(
    features: Mapping[str, Path],
    labels: Path,
    rounds: Path,
    out: Path,
    state: Path,
    *,
    trait: str,
    round: int,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train one trait's gated attention in one round; see `histoniche.learning.mil.train_mil`.

    Parameters
    ----------
    features
        Folders of the slides' features, by slide.
    labels, rounds, out, state, trait, round, classes
        As for `histoniche.traits.training.train_trait`.
    settings
        The config's block of the training; `bag` is `slide` or `patient`.

    Raises
    ------
    InputError
        If a patient stands on two sides or has slides of different classes in one bag.
    """
    sides, digests = sides_of_round(
        read_table(labels), read_table(rounds), trait=trait, number=round, slides=features
    )
    train_mil(
        {side: _bags(sides[side], features, settings["bag"]) for side in SEEN},
        out,
        state,
        classes=classes,
        settings=settings,
        origin={"trait": trait, "round": round, "patients_sha256": digests},
        seed=derived_seed(seed, "mil", trait, round),
        threads=threads,
    )


def _bags(slides: pd.DataFrame, features: Mapping[str, Path], kind: Kind) -> list[Bag]:
    """Bags of labelled slides, one each or one a patient."""
    bags = []
    for name, own in slides.groupby(kind, sort=True):
        if own["class"].nunique() > 1:
            raise InputError(
                f"slides of classes {' and '.join(sorted(own['class'].unique()))} in one bag",
                column="patient",
                value=str(name),
                remedy="make bags of slides",
            )
        bags.append(Bag(tuple(features[slide] for slide in own["slide"]), own["class"].iloc[0]))
    return bags


def apply_trait_mil(
    features: Mapping[str, Path],
    models: Sequence[Path],
    outs: Mapping[str, Path],
    table: Path,
    *,
    patients: Mapping[str, str],
    trait: str,
    bag: Kind,
    threads: int,
) -> None:
    """Judge bags by the models that have not seen their patient, or by all if each has.

    Parameters
    ----------
    features
        Folders of the slides' features, by slide.
    models
        Folders of the rounds' models, whose answers are averaged.
    outs
        Folders to write, by slide: stores with the column `attention`, float32 (tiles,), in
        the order of the tiles; over all tiles of a bag it sums to 1.
    table
        Table to write, one row a bag and class: trait, bag, patient, class, probability,
        models (how many judged it) and seen (whether they had learned from the patient).
    patients
        Patient of each slide.
    trait, bag, threads
        Which trait; what a bag is; CPU threads.

    Raises
    ------
    InputError
        If features come from another encoder or tiling than the models learned from.
    """
    torch.set_num_threads(threads)
    loaded = [load_bag_model(folder) for folder in models]
    known = [model.description["patients_sha256"] for model in loaded]
    rows: list[dict[str, Any]] = []
    for name, slides in _grouped(features, patients, bag):
        stores = {slide: TileStore(features[slide]) for slide in slides}
        for slide, store in stores.items():
            store.check()
            _check_fit(loaded[0], store, slide)
        patient = patients[slides[0]]
        chosen = unseen(known, patient)
        found = _judged([loaded[number] for number in chosen], stores)
        if found is not None:
            digest = patient_digest(patient)
            seen = any(digest in known[number].get(side, ()) for number in chosen for side in SEEN)
            rows += [
                {
                    "trait": trait,
                    "bag": name,
                    "patient": patient,
                    "class": one,
                    "probability": float(probability),
                    "models": len(chosen),
                    "seen": seen,
                }
                for one, probability in zip(loaded[0].description["classes"], found[0], strict=True)
            ]
        start = 0
        for slide, store in stores.items():
            part = found[1][start : start + len(store)] if found is not None else np.empty(0)
            start += len(store)
            attributes = {"trait": trait, "bag": name, "models": len(chosen)}
            write_findings(store, outs[slide], {"attention": part.astype(np.float32)}, attributes)
    columns = ["trait", "bag", "patient", "class", "probability", "models", "seen"]
    write_table(pd.DataFrame(rows, columns=columns), table)


def _grouped(
    features: Mapping[str, Path], patients: Mapping[str, str], bag: Kind
) -> Iterator[tuple[str, list[str]]]:
    """Name and slides of each bag."""
    groups: dict[str, list[str]] = {}
    for slide in sorted(features):
        groups.setdefault(patients[slide] if bag == "patient" else slide, []).append(slide)
    yield from sorted(groups.items())


def _judged(
    models: Sequence[BagModel], stores: Mapping[str, TileStore]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean probabilities and attention of some models; None of a bag without tiles."""
    parts = [store.column("features") for store in stores.values() if len(store)]
    if not parts:
        return None
    answers = [model.judge(np.concatenate(parts)) for model in models]
    probabilities, attention = (np.mean(one, axis=0) for one in zip(*answers, strict=True))
    return probabilities, attention


def _check_fit(model: BagModel, store: TileStore, slide: str) -> None:
    """A network sees features of the encoder and tiling that it was trained on."""
    for key in SAME if len(store) else ():
        if store.attributes[key] != model.description[key]:
            raise InputError(
                f"the model was trained on features with {model.description[key]}, those of "
                f"{slide} have {store.attributes[key]}",
                column=key,
                remedy="take features and models of one run",
            )
