"""The job that lets networks vote on slides' tiles: what maps and HTI are made of."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from histoniche.traits.cartography import lay_cartography
from histoniche.traits.findings import write_findings
from histoniche.traits.predictions import CALLS, PROBABILITIES, read_networks
from histoniche.traits.voters import Voters, voters_of
from histoniche.traits.voting import Rule, vote


def vote_slides(
    tiles: Mapping[str, Mapping[str, Path]],
    predictions: Mapping[str, Mapping[int, Mapping[str, Path]]],
    outs: Mapping[str, Mapping[str, Path]],
    *,
    patients: Mapping[str, str],
    choices: Mapping[str, Path],
    rounds: Path | None,
    cartographies: Mapping[str, Path],
    slides: Iterable[str] | None = None,
    **settings: Any,
) -> None:
    """Write what the networks of each trait say together of the tiles of some slides.

    Parameters
    ----------
    tiles, outs
        As for `vote_tiles`, by trait and slide.
    predictions
        Stores of the networks' probabilities, by trait, round and slide.
    patients
        Patient of each slide.
    choices
        As `score_trait` writes them, by trait.
    rounds
        As from `write_rounds`; None for models brought along.
    cartographies
        Folder of the cartography, by slide; empty for none.
    slides
        Those that are still to be done, asked for one by one; all by default.
    settings
        As for `vote_tiles`.
    """
    chosen = {trait: read_table(path) for trait, path in choices.items()}
    divided = None if rounds is None else read_table(rounds)
    for slide in patients if slides is None else slides:
        vote_tiles(
            {trait: own[slide] for trait, own in tiles.items()},
            {
                trait: {one: stores[slide] for one, stores in own.items()}
                for trait, own in predictions.items()
            },
            {trait: own[slide] for trait, own in outs.items()},
            patient=patients[slide],
            choices=chosen,
            rounds=divided,
            cartography=cartographies.get(slide),
            **settings,
        )


def vote_tiles(
    tiles: Mapping[str, Path],
    predictions: Mapping[str, Mapping[int, Path]],
    outs: Mapping[str, Path],
    *,
    patient: str,
    choices: Mapping[str, pd.DataFrame],
    rounds: pd.DataFrame | None,
    classes: Mapping[str, Sequence[str]],
    rule: Rule,
    tilings: Mapping[str, str],
    cartography: Path | None = None,
    cartography_traits: Sequence[str] = (),
) -> None:
    """Write what the networks of each trait say together of the tiles of one slide.

    Parameters
    ----------
    tiles
        Store of the slide's tiles, by trait.
    predictions
        Stores of the networks' probabilities, by trait and round.
    outs
        Folders to write, by trait: see `write_vote`.
    patient
        Whose slide it is.
    choices
        As `score_trait` writes them, by trait; of models that were brought along without
        one all rounds vote.
    rounds
        As from `write_rounds`, None for models brought along; with the choice it says who
        votes, see `voters_of`.
    classes
        Classes of each trait.
    rule
        As for `histoniche.traits.voting.vote`.
    tilings
        Name of the tiling of each trait.
    cartography
        Folder of the cartography; None for none.
    cartography_traits
        Its traits, in the order of the layers.
    """
    for trait, out in outs.items():
        own = predictions[trait]
        voters = voters_of(patient, choice=choices.get(trait), rounds=rounds, there=own)
        write_vote(
            tiles[trait], own, out, trait=trait, classes=classes[trait], voters=voters, rule=rule
        )
    if cartography is not None:
        votes = {trait: outs[trait] for trait in cartography_traits}
        lay_cartography(tiles[cartography_traits[0]], votes, cartography, tilings=tilings)


def write_vote(
    tiles: Path,
    predictions: Mapping[int, Path],
    out: Path,
    *,
    trait: str,
    classes: Sequence[str],
    voters: Voters,
    rule: Rule,
) -> None:
    """Write the vote of some networks on a slide's tiles.

    Parameters
    ----------
    tiles
        Store of the tiles.
    predictions
        Stores of probabilities, by round.
    out
        Folder to write: `probabilities` float16 (tiles, classes), the mean over the
        networks, and `calls` int8 (tiles,), in the order of the tiles. Its attributes say
        which rounds voted (networks), how (vote), and their mean threshold (threshold).
    trait, classes, voters, rule
        The trait and its classes; who votes, and how.

    Raises
    ------
    InputError
        If the networks saw other tiles.
    """
    store = TileStore(tiles)
    folders = [predictions[number] for number in voters.rounds]
    found = vote(read_networks(folders, classes), rule=rule, thresholds=voters.thresholds)
    if len(found.calls) != len(store):
        raise InputError(
            f"{trait} was found on {len(found.calls)} tiles, the slide has {len(store)}",
            file=folders[0],
            remedy="apply the networks to the tiles of today",
        )
    columns: dict[str, np.ndarray] = {
        PROBABILITIES: found.probabilities.astype(np.float16),
        CALLS: found.calls,
    }
    cuts = voters.thresholds
    stated = {
        "trait": trait,
        "classes": list(classes),
        "networks": voters.rounds,
        "vote": rule,
        "threshold": None if cuts is None else float(np.mean(cuts)),
    }
    write_findings(store, out, columns, stated)
