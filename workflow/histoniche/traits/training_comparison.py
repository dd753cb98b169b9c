"""The job that compares two ways of training the same labels, by their rounds' metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.tables import read_table, write_table
from histoniche.traits.rounds import TEST, TRAIN, numbers_of, roles_in_round
from histoniche.traits.run_comparison import RunComparison, Test, compare_runs

_KEYS = ("level", "class", "metric")

COLUMNS = ("comparison", "first", "second", *_KEYS, *RunComparison._fields, "q")
"""Columns of the table."""


def compare_trainings(
    metrics: Mapping[str, Path],
    rounds: Path,
    out: Path,
    *,
    comparisons: Mapping[str, Mapping[str, Any]],
) -> None:
    """Compare pairs of traits, round by round, on their test patients.

    Parameters
    ----------
    metrics
        As from `evaluate_trait`, by trait.
    rounds
        As from `write_rounds`.
    out
        Written: `COLUMNS`, one row a comparison, level, class and metric that both traits
        have; see `RunComparison`. q is Benjamini and Hochberg's over the rows of a comparison.
    comparisons
        The config's block, by name: `first` and `second`, two traits of the same labels, and
        `test`, see `compare_runs`.

    Raises
    ------
    InputError
        If two traits have no metric in common.
    """
    share = training_share(read_table(rounds))
    tables = []
    for name, block in comparisons.items():
        pair = (block["first"], block["second"])
        runs = pd.concat([_runs(read_table(metrics[trait]), trait) for trait in pair])
        compared = compare_by_run(
            runs, list(_KEYS), side="trait", pair=pair, run="model", test=block["test"], share=share
        )
        if compared.empty:
            raise InputError(
                f"{pair[0]} and {pair[1]} have no metric in common",
                column=f"traits.comparisons.{name}",
                remedy="compare traits of the same classes",
            )
        stated = {"comparison": name, "first": pair[0], "second": pair[1]}
        tables.append(compared.assign(**stated)[list(COLUMNS)])
    write_table(pd.concat(tables, ignore_index=True), out)


def compare_by_run(
    metrics: pd.DataFrame,
    keys: Sequence[str],
    *,
    side: str,
    pair: tuple[str, str],
    run: str,
    test: Test,
    share: float | None = None,
) -> pd.DataFrame:
    """Test of each metric's runs, those of one side against those of the other.

    Parameters
    ----------
    metrics
        A row a side, run and `keys`, with its value.
    keys
        Columns that tell metrics apart.
    side, pair
        Column of the sides, and the two that are compared.
    run
        Column of the runs.
    test, share
        See `compare_runs`.

    Returns
    -------
    The keys, `RunComparison` and q, Benjamini and Hochberg's over all rows, for metrics that
    both sides have; runs in which either has no value are left out. Empty if there is none.
    """
    rows: list[dict[str, Any]] = []
    for names, own in metrics.groupby(list(keys), sort=False):
        if set(own[side]) != set(pair):
            continue
        wide = own.pivot(index=run, columns=side, values="value").dropna()
        numbers = [int(number) for number in wide.index.to_numpy()]
        one, two = (
            dict(zip(numbers, wide[name].to_numpy(np.float64).tolist(), strict=True))
            for name in pair
        )
        found = compare_runs(one, two, test=test, test_share=share)
        rows.append({**dict(zip(keys, names, strict=True)), **found._asdict()})
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows)
    return table.assign(q=false_discovery(table["p"].to_numpy(np.float64)))


def training_share(rounds: pd.DataFrame) -> float:
    """Test patients per training patient, the mean over the rounds; see `compare_runs`."""
    counts = [roles_in_round(rounds, number).value_counts() for number in numbers_of(rounds)]
    return float(np.mean([count[TEST] / count[TRAIN] for count in counts]))


def _runs(metrics: pd.DataFrame, trait: str) -> pd.DataFrame:
    """Metrics of a trait's rounds on test patients, without those of rounds together."""
    single = metrics["model"].astype(str).str.isdigit()
    return metrics[single & (metrics["set"] == TEST)].assign(trait=trait)
