"""The job that brings the cohort's HTI to tables, and to survival as a score of the patients."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table
from histoniche.traits.cartography import read_cartography
from histoniche.traits.heterogeneity import (
    GROUP_RULES,
    combination_counts,
    combination_name,
    heterogeneity_of,
    hti_groups,
    unseen_patients,
)
from histoniche.traits.scores import PatientRule, patient_scores

HTI = "hti"
"""Kind of the scores."""


def collect_heterogeneity(
    cartographies: Mapping[str, Path],
    *,
    slides: Path,
    combinations: Path,
    patients: Path,
    scores: Path,
    owners: Mapping[str, str],
    indices: Mapping[str, Sequence[str]],
    labels: Mapping[str, Path] | None = None,
    rounds: Path | None = None,
    rule: PatientRule = "dx1",
    among: Literal["unseen", "all"] = "unseen",
) -> None:
    """Write the HTI of slides and patients.

    Parameters
    ----------
    cartographies
        By slide.
    slides
        Written: slide, patient, score, traits, hti, tiles, positive_tiles, reason (why
        there is no HTI).
    combinations
        Written: slide, score, code, combination, tiles, share (of the tiles with a trait;
        NaN for none).
    patients
        Written: patient, score, slide, slides, hti, unseen (whether no network of the
        traits has seen the patient), and a column a rule of `GROUP_RULES`: high, low or NA.
        Homogeneous slides, of an HTI of 0, are in,
        patients without any HTI are not.
    scores
        Written for survival: patient, score, kind, value.
    owners
        Patient of each slide.
    indices
        Traits of each HTI, by the name of the score.
    labels, rounds
        As from `label_slides`, by trait, and `write_rounds`: who is unseen. Without them,
        as for models that were brought along, all are.
    rule
        The patient's: the first diagnostic slide that has an HTI, as in the paper, or the mean.
    among
        Whose scores go to survival: `unseen`, as in the paper, or `all`.

    Raises
    ------
    InputError
        If a cartography lacks a trait.
    """
    rows, parts = [], []
    for slide, folder in cartographies.items():
        cartography = read_cartography(folder)
        for name, traits in indices.items():
            missing = [trait for trait in traits if trait not in cartography.traits]
            if missing:
                remedy = f"choose among {', '.join(cartography.traits)}"
                column = f"traits.heterogeneity.{name}"
                raise InputError("no such trait", column=column, value=missing[0], remedy=remedy)
            counts = combination_counts(cartography.positive(traits))
            shared = {"slide": slide, "patient": owners[slide], "score": name}
            rows.append({**shared, **_row(counts, traits, cartography.attributes)})
            parts += [{"slide": slide, "score": name, **part} for part in _parts(counts, traits)]
    table = pd.DataFrame(rows)
    if table[HTI].isna().all():
        # The tables and the page say why, as they do of slides that cannot be used.
        logging.warning("no slide has an HTI; the table of slides says why")
    people = _people(table, rule, _unseen(indices, labels, rounds))
    write_table(table, slides)
    write_table(pd.DataFrame(parts), combinations)
    write_table(people, patients)
    kept = people[people[HTI].notna() & (people["unseen"] | (among == "all"))]
    for score, count in kept["score"].value_counts().items():
        logging.info("%s: HTI of %d patients goes to survival", score, count)
    values = kept.rename(columns={HTI: "value"}).assign(kind=HTI)
    write_table(values[["patient", "score", "kind", "value"]].reset_index(drop=True), scores)


def _row(
    counts: np.ndarray, traits: Sequence[str], attributes: Mapping[str, Any]
) -> dict[str, Any]:
    """HTI of one slide, and why there is none."""
    tiles, positive = int(counts.sum()), int(counts[1:].sum())
    reason = str(attributes["reason"])
    if tiles and not positive:
        reason = "no tile is positive for any of the traits"
    return {
        "traits": "+".join(traits),
        HTI: heterogeneity_of(counts),
        "tiles": tiles,
        "positive_tiles": positive,
        "reason": reason,
    }


def _parts(counts: np.ndarray, traits: Sequence[str]) -> list[dict[str, Any]]:
    """Tiles of each combination on one slide."""
    positive = int(counts[1:].sum())
    return [
        {
            "code": code,
            "combination": combination_name(code, traits),
            "tiles": int(count),
            "share": count / positive if code and positive else np.nan,
        }
        for code, count in enumerate(counts)
    ]


def _unseen(
    indices: Mapping[str, Sequence[str]],
    labels: Mapping[str, Path] | None,
    rounds: Path | None,
) -> dict[str, set[str]] | None:
    """Patients whom no network of an index has seen, by index; None if it is everybody."""
    if labels is None or rounds is None:
        return None
    divided = read_table(rounds)
    found = {}
    for name, traits in indices.items():
        own = pd.concat([read_table(labels[trait]) for trait in traits], ignore_index=True)
        found[name] = unseen_patients(own, divided)
    return found


def _people(
    slides: pd.DataFrame, rule: PatientRule, unseen: Mapping[str, set[str]] | None
) -> pd.DataFrame:
    """HTI of the patients, with their groups."""
    table = patient_scores(slides[["slide", "patient", "score", HTI]], rule=rule)
    pairs = zip(table["patient"], table["score"], strict=True)
    known = [unseen is None or patient in unseen[name] for patient, name in pairs]
    # Of nobody, too.
    table["unseen"] = np.array(known, dtype=bool)
    for group in GROUP_RULES:
        table[group.name] = hti_groups(table[HTI].to_numpy(np.float64), group)
    order = ["patient", "score", "slide", "slides", HTI, "unseen"]
    return table[[*order, *(group.name for group in GROUP_RULES)]]
