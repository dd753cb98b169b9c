"""Strata: groups of patients of which each side of a division has its share."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from histoniche.errors import InputError
from histoniche.tables import read_table


def draw_by_stratum(
    names: Sequence[str], count: int, strata: Mapping[str, str] | None, rng: np.random.Generator
) -> set[str]:
    """Draw patients, of each stratum its share."""
    groups = by_stratum(names, strata)
    sizes = apportion(count, [len(own) for own in groups.values()])
    return {
        str(name)
        for own, size in zip(groups.values(), sizes, strict=True)
        for name in rng.permutation(own)[:size]
    }


def apportion(count: int, sizes: Sequence[int]) -> list[int]:
    """Divide `count` among groups by their sizes: largest remainders, the larger group at ties."""
    total = sum(sizes)
    seats = [count * size // total for size in sizes]
    order = sorted(
        range(len(sizes)), key=lambda place: (-(count * sizes[place] % total), -sizes[place], place)
    )
    for place in order[: count - sum(seats)]:
        seats[place] += 1
    return seats


def by_stratum(names: Sequence[str], strata: Mapping[str, str] | None) -> dict[str, list[str]]:
    """Patients by stratum, both in order; one group without strata."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault("" if strata is None else strata.get(name, ""), []).append(name)
    return dict(sorted(groups.items()))


def read_strata(
    names: Sequence[str], patients: Path | None, columns: Sequence[str]
) -> dict[str, str] | None:
    """Stratum of each patient: the values of some columns of the sheet together."""
    if not columns or patients is None:
        return None
    sheet = read_table(patients).set_index("patient").reindex(list(names))
    for column in columns:
        if column not in sheet:
            raise InputError(
                "the sheet of patients has no such column",
                column="traits.rounds.stratify",
                value=column,
                remedy=f"choose among {', '.join(map(str, sheet.columns[:12]))}",
            )
    joined = sheet[list(columns)].astype(str).agg("\x1f".join, axis=1)
    return {str(name): value for name, value in joined.items()}
