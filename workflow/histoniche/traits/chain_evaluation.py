"""The job that evaluates a chain of models beside a single one, round by round."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.randomness import generator
from histoniche.tables import read_table, write_table
from histoniche.traits.chains import (
    CHAIN,
    SINGLE,
    Chain,
    Steps,
    chain_calls,
    chain_of,
    chain_probabilities,
    compare_with_single,
)
from histoniche.traits.evaluation import Judged
from histoniche.traits.labels import IN
from histoniche.traits.predictions import read_networks
from histoniche.traits.rounds import TEST, numbers_of, roles_in_round
from histoniche.traits.run_comparison import Test
from histoniche.traits.scores import MEAN, call_tiles, slide_scores
from histoniche.traits.scoring import Predictions
from histoniche.traits.training_comparison import compare_by_run, training_share

Said = tuple[NDArray[np.float64], NDArray[np.intp]]
"""Probabilities, (tiles, classes), and calls, (tiles,)."""


def evaluate_chain(
    steps: Mapping[str, Predictions],
    single: Predictions,
    labels: Path,
    rounds: Path,
    *,
    metrics: Path,
    comparison: Path,
    name: str,
    chain: Steps,
    classes: Sequence[str],
    score: str = MEAN,
    test: Test = "paired",
    seed: int,
    draws: int = 1000,
) -> None:
    """Compare a chain with the single model on the test patients of every round.

    Parameters
    ----------
    steps
        What the network of each step found, by its trait: stores by round and slide.
    single
        What the model of all classes found.
    labels
        Of the trait of all classes.
    rounds
        As from `write_rounds`.
    metrics
        Written: chain, round, level (tile or slide), and the columns of
        `compare_with_single`.
    comparison
        Written, one row a level, step, class and metric: the t-test of the single model's
        rounds (first) against the chain's (second), see `RunComparison`; q is Benjamini and
        Hochberg's over the rows.
    name
        Of the chain.
    chain, classes
        Its steps, and the final classes in their order.
    score
        Slides are called by the mean probability of their tiles, or by the share of
        tiles that are called so.
    test
        As for `compare_runs`. Rounds are pairs: both models saw the same patients.
    seed, draws
        Of the intervals.

    References
    ----------
    Truong et al. 2020, Neurooncol Adv 2:vdaa110: three runs of each, compared by an
    unpaired t-test (`student`) on tiles.
    """
    checked = chain_of(classes, chain, name=name)
    known, divided = read_table(labels), read_table(rounds)
    tables = []
    for number in numbers_of(divided):
        roles = known["patient"].map(roles_in_round(divided, number))
        members = known[(known["set"] == IN) & (roles == TEST)]
        said = {
            CHAIN: [_chained(checked, steps, number, slide) for slide in members["slide"]],
            SINGLE: [_single(classes, single, number, slide) for slide in members["slide"]],
        }
        for level in ("tile", "slide"):
            pair = [_judged(members, classes, said[model], level, score) for model in said]
            if len(pair[0].truth):
                rng = generator(seed, "chain", name, number, level)
                found = compare_with_single(checked, *pair, rng=rng, draws=draws)
                head: dict[str, str | int] = {"chain": name, "round": number, "level": level}
                tables.append(found.assign(**head)[[*head, *found.columns]])
    table = pd.concat(tables, ignore_index=True)
    write_table(table, metrics)
    compared = compare_rounds(table, test=test, share=training_share(divided))
    write_table(compared, comparison)


def compare_rounds(
    metrics: pd.DataFrame, *, test: Test = "paired", share: float | None = None
) -> pd.DataFrame:
    """Test of each metric's rounds, those of the single model against those of the chain.

    Parameters
    ----------
    metrics
        As `evaluate_chain` writes them.
    test, share
        As for `compare_by_run`.
    """
    keys = ["chain", "level", "step", "class", "metric"]
    sides: dict[str, Any] = {"side": "model", "pair": (SINGLE, CHAIN), "run": "round"}
    return compare_by_run(metrics, keys, **sides, test=test, share=share)


def _chained(chain: Chain, steps: Mapping[str, Predictions], number: int, slide: str) -> Said:
    """What a chain says of a slide's tiles."""
    own = {
        trait: read_networks([steps[trait][number][slide]], list(groups))[0]
        for trait, groups in chain.steps.items()
    }
    calls = {trait: call_tiles(found) for trait, found in own.items()}
    return chain_probabilities(chain, own), chain_calls(chain, calls)


def _single(classes: Sequence[str], single: Predictions, number: int, slide: str) -> Said:
    """What the single model says of a slide's tiles."""
    found = read_networks([single[number][slide]], classes)[0].astype(np.float64)
    return found, call_tiles(found).astype(np.intp)


def _judged(
    members: pd.DataFrame, classes: Sequence[str], said: Sequence[Said], level: str, score: str
) -> Judged:
    """Tiles or slides with what is said of them; slides without tiles are left out."""
    truth = np.array([classes.index(name) for name in members["class"]], dtype=np.intp)
    patients, slides = (members[key].to_numpy(object) for key in ("patient", "slide"))
    counts = np.array([len(calls) for _, calls in said], dtype=np.intp)
    if level == "tile":
        nothing = np.empty((0, len(classes)))
        return Judged(
            np.repeat(truth, counts),
            np.concatenate([nothing, *(own for own, _ in said)]),
            np.concatenate([np.empty(0, np.intp), *(calls for _, calls in said)]),
            np.repeat(patients, counts),
            np.repeat(slides, counts),
        )
    pairs = [slide_scores(own, calls.astype(np.int8)) for own, calls in said]
    values = np.array([mean if score == MEAN else share for share, mean in pairs])
    values = values.reshape(len(said), len(classes))
    kept = counts > 0
    return Judged(truth[kept], values[kept], values[kept].argmax(1), patients[kept], slides[kept])
