"""Scores: from probabilities of tiles to slides and patients, and the thresholds between."""

import re
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Calls = NDArray[np.int8]

PatientRule = Literal["dx1", "mean"]
ThresholdRule = Literal["youden", "accuracy", "f1"]

SHARE, MEAN = "share", "mean"
"""Scores of a class on a slide: the share of tiles that are called so (percent positive
tiles, 0 to 1), and the mean probability."""

ARGMAX, HALF = "argmax", "half"
"""Thresholds that are not chosen: the highest score, and 0.5. Of a binary trait the same."""

_DIAGNOSTIC = re.compile(r"(?<![A-Za-z0-9])DX(\d+|[A-Z])(?![A-Za-z0-9])")


def call_tiles(probabilities: Floats, *, threshold: float | None = None) -> Calls:
    """Class of each tile, or of anything else that has a probability for each class.

    Parameters
    ----------
    probabilities
        (tiles, classes).
    threshold
        None: the most probable class, of equals the earlier one. For two classes: positive
        (the second) where its probability is greater than this; 0.5 is then the same.

    Returns
    -------
    Number of the class, (tiles,).

    Raises
    ------
    ValueError
        If there is a threshold and not two classes.
    """
    if threshold is None:
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int8)
    if probabilities.shape[1] != 2:
        raise ValueError(f"a threshold is for two classes, not {probabilities.shape[1]}")
    # A plain number would be rounded to the precision that probabilities are stored in.
    return np.asarray(probabilities[:, 1] > np.float64(threshold), dtype=np.int8)


def slide_scores(probabilities: Floats, calls: Calls) -> tuple[NDArray[np.float64], ...]:
    """Scores of a slide.

    Parameters
    ----------
    probabilities
        (tiles, classes).
    calls
        (tiles,), as from `call_tiles` or `histoniche.traits.voting.vote`.

    Returns
    -------
    For each class the share of tiles that are called so, and the mean probability;
    both (classes,), NaN without a tile.
    """
    tiles, classes = probabilities.shape
    if tiles == 0:
        return np.full(classes, np.nan), np.full(classes, np.nan)
    share = np.bincount(calls, minlength=classes) / tiles
    return share, probabilities.mean(axis=0, dtype=np.float64)


def patient_scores(slides: pd.DataFrame, *, rule: PatientRule = "dx1") -> pd.DataFrame:
    """Scores of patients from those of their slides.

    Parameters
    ----------
    slides
        slide, patient, numbers in further columns, and perhaps columns that tell
        rows of a slide apart, all of them text (trait, model, class).
    rule
        `dx1`: the slide that comes first, see `first_slide`, as in PathoMCH.
        `mean`: the mean over the patient's slides.

    Returns
    -------
    patient, the columns of text, slide (the one taken; for `mean` of several NA),
    slides (how many of the patient have the number), and the numbers. Slides
    without a number, for want of tiles, are passed over.
    """
    numbers = [str(name) for name in slides.select_dtypes("number").columns]
    keys = [str(name) for name in slides.columns if name not in ("slide", *numbers)]
    known = slides.dropna(subset=numbers, how="all")
    names = sorted(known["slide"].astype(str).unique(), key=_order)
    place = known["slide"].astype(str).map({name: rank for rank, name in enumerate(names)})
    ordered = known.iloc[np.argsort(place.to_numpy(), kind="stable")]
    grouped = ordered.groupby(keys, sort=False, dropna=False)
    counts = grouped.size()
    if rule == "dx1":
        chosen = ordered.drop_duplicates(keys).set_index(keys)[["slide", *numbers]]
    else:
        chosen = grouped[numbers].mean()
        chosen.insert(0, "slide", grouped["slide"].first().where(counts == 1, None))
    chosen.insert(1, "slides", counts)
    return chosen.sort_index(kind="stable").reset_index()


def first_slide(slides: Sequence[str]) -> str:
    """The first diagnostic slide of a patient, by name.

    Names with a part DX1, DX2, ... (as TCGA's; DXA, DXB after the numbers) go
    before others and by that number, all others by name, numbers in names as numbers:
    S2 before S10.
    """
    return min(slides, key=_order)


def _order(name: str) -> tuple[bool, bool, int, list[tuple[int, str]]]:
    """Place of a slide's name among those of a patient."""
    found = _DIAGNOSTIC.search(name)
    parts = [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
    if not found:
        return True, False, 0, parts
    mark = found[1]
    return False, not mark.isdigit(), int(mark) if mark.isdigit() else ord(mark), parts


def choose_threshold(
    scores: Floats, positive: NDArray[np.bool_], *, rule: ThresholdRule = "youden"
) -> float:
    """Threshold above which a score is called positive, chosen on validation patients.

    Candidates are the middles between neighbouring scores, and 0.5 where it parts none
    of them otherwise. The best by the rule is taken; of equals the nearest to 0.5, then the
    lower. It is fitted: its own validation numbers flatter it, what it is worth test
    patients tell.

    Parameters
    ----------
    scores
        (n,), finite; tiles, slides or patients of the validation.
    positive
        (n,).
    rule
        `youden`: sensitivity + specificity - 1; `accuracy`; `f1` of the positives.

    Raises
    ------
    ValueError
        If all are of one class, or there is no such rule.

    References
    ----------
    Youden 1950, Cancer 3:32-35.
    """
    if positive.all() or not positive.any():
        raise ValueError("a threshold needs both classes")
    if rule not in _GAINS:
        raise ValueError(f"no such rule: {rule}; known: {', '.join(_GAINS)}")
    distinct, place = np.unique(scores.astype(np.float64), return_inverse=True)
    hits = np.bincount(place, weights=positive, minlength=len(distinct))
    others = np.bincount(place, minlength=len(distinct)) - hits
    # Everything above the k-th distinct score is positive.
    tp, fp = positive.sum() - np.cumsum(hits), (~positive).sum() - np.cumsum(others)
    gain = _GAINS[rule](tp, fp, float(positive.sum()), float((~positive).sum()))
    above = np.append(distinct[1:], max(distinct[-1], 1.0))
    middles = np.where((distinct < 0.5) & (above > 0.5), 0.5, (distinct + above) / 2)
    best = np.flatnonzero(gain > gain.max() - 1e-12)
    return float(min(middles[best], key=lambda cut: (round(abs(cut - 0.5), 12), cut)))


_Gain = Callable[[Floats, Floats, float, float], Floats]

_GAINS: dict[str, _Gain] = {
    "youden": lambda tp, fp, positives, negatives: tp / positives - fp / negatives,
    "accuracy": lambda tp, fp, positives, negatives: tp + negatives - fp,
    "f1": lambda tp, fp, positives, negatives: 2 * tp / (tp + fp + positives),
}
