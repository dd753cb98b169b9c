"""Review: the tiles that a trait's networks are surest of, right and wrong, to be looked at."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from histoniche.tables import read_table, write_table
from histoniche.traits.labels import IN
from histoniche.traits.rounds import TEST, cross_validated
from histoniche.traits.tile_calls import TileCalls, read_calls

COLUMNS = (
    *("trait", "truth", "verdict", "rank", "slide", "patient", "tile", "x_px", "y_px"),
    *("called", "probability"),
)
"""Columns of the table of chosen tiles."""

_NUMBER, _A_SLIDE = 6, 2


class Judged(NamedTuple):
    """Tiles of one slide, whose class is known."""

    slide: str
    patient: str
    truth: str
    calls: TileCalls


def choose_tiles(
    slides: Iterable[Judged], *, number: int = _NUMBER, most_per_slide: int = _A_SLIDE
) -> pd.DataFrame:
    """Choose the surest right and wrong tiles of every class.

    Parameters
    ----------
    slides
        Slides with a class each; read one after the other.
    number
        Tiles for each class and verdict.
    most_per_slide
        Of these, tiles from one slide, so that it does not fill the gallery.

    Returns
    -------
    Columns as in `COLUMNS`, by class in the trait's order, right before wrong,
    the surest first. `truth` is the class of the slide, which its tiles inherit:
    a "wrong" tile may be right. `tile` is its number in the tile store, `x_px`
    and `y_px` its corner in pixels of level 0, `probability` that of the class called.
    """
    kept: list[pd.DataFrame] = []
    classes: tuple[str, ...] = ()
    for slide in slides:
        classes = slide.calls.classes
        kept += _surest(slide, most_per_slide)
    if not kept:
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.concat(kept, ignore_index=True)
    table["truth"] = pd.Categorical(table["truth"], classes, ordered=True)
    table = table.sort_values(
        ["truth", "verdict", "probability", "slide", "tile"],
        ascending=[True, True, False, True, True],
    )
    groups = table.groupby(["truth", "verdict"], observed=True, sort=False)
    table = groups.head(number).copy()
    groups = table.groupby(["truth", "verdict"], observed=True, sort=False)
    table["rank"] = groups.cumcount() + 1
    table["truth"] = table["truth"].astype(str)
    return table[list(COLUMNS)].reset_index(drop=True)


def choose_review_tiles(
    tiles: Mapping[str, Path],
    probabilities: Mapping[str, Path | Sequence[Path]],
    labels: Path,
    out: Path,
    *,
    rounds: Path | None = None,
    trait: str,
    classes: Sequence[str],
    threshold: float | None = None,
    number: int = _NUMBER,
    most_per_slide: int = _A_SLIDE,
) -> None:
    """Choose the tiles of a trait's gallery from its files.

    Parameters
    ----------
    tiles, probabilities
        By slide.
    labels
        Table of slide, patient, trait, class, set. Slides without a class are left out.
    out
        Parquet and TSV: see `choose_tiles`.
    rounds
        As from `write_rounds`: then only slides that `held_out_slides` names are shown.
    trait, classes, threshold
        See `histoniche.traits.tile_calls.read_calls`.
    number, most_per_slide
        See `choose_tiles`.
    """
    table = read_table(labels)
    known = table[(table["trait"] == trait) & table["class"].isin(list(classes))]
    if rounds is not None:
        known = known[known["slide"].isin(held_out_slides(known, read_table(rounds)))]
    rows = known.drop_duplicates("slide").set_index("slide")[["patient", "class"]]
    judged = (
        Judged(
            slide,
            str(rows.at[slide, "patient"]),
            str(rows.at[slide, "class"]),
            read_calls(
                tiles[slide],
                probabilities[slide],
                trait=trait,
                classes=classes,
                threshold=threshold,
            ),
        )
        for slide in tiles
        if slide in rows.index
    )
    write_table(choose_tiles(judged, number=number, most_per_slide=most_per_slide), out)


def held_out_slides(labels: pd.DataFrame, rounds: pd.DataFrame) -> list[str]:
    """Labelled slides that are judged by networks which have not seen their patient.

    Parameters
    ----------
    labels
        As from `label_slides`; slides out of distribution, whose class is weak, do not count.
    rounds
        As from `write_rounds`. In a cross-validation all labelled slides are held out, since
        the round that tests the patient judges them, else those of patients set aside.
    """
    known = labels[labels["set"] == IN]
    if not cross_validated(rounds):
        aside = rounds[rounds["round"].isna() & (rounds["role"] == TEST)]
        known = known[known["patient"].isin(set(aside["patient"]))]
    return [str(slide) for slide in known["slide"]]


def _surest(slide: Judged, most: int) -> list[pd.DataFrame]:
    """The surest right and wrong tiles of one slide."""
    calls = slide.calls
    called = calls.called()
    sure = calls.probabilities[np.arange(len(called)), called]
    right = called == calls.classes.index(slide.truth)
    found = []
    for verdict, mask in (("right", right), ("wrong", ~right)):
        place = np.nonzero(mask)[0]
        place = place[np.argsort(-sure[place], kind="stable")][:most]
        if len(place):
            found.append(
                pd.DataFrame(
                    {
                        "trait": calls.trait,
                        "truth": slide.truth,
                        "verdict": verdict,
                        "slide": slide.slide,
                        "patient": slide.patient,
                        "tile": place,
                        "x_px": calls.origin[place, 0],
                        "y_px": calls.origin[place, 1],
                        "called": [calls.classes[which] for which in called[place]],
                        "probability": sure[place].astype(float),
                    }
                )
            )
    return found
