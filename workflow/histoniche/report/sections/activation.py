"""Part of the section on signatures: what the networks look at in patients of high and low risk."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Table, table
from histoniche.report.figures.scans import map_label
from histoniche.report.numbers import format_interval, format_number, format_p, percent
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.report.risk_settings import Signature
from histoniche.wording import count, join_words

_Q = 0.05
_ZONES = {"core": "the tumour's core", "margin": "its margin", "outside": "outside of it"}


def activation_blocks(results: Results, one: Signature) -> Iterator[Block]:
    """Report where networks look, and what the maps measure there in either group."""
    if not results.has("activation_zones", "activation_groups"):
        return
    share = float(one.settings.get("activation", {}).get("share", 0.2))
    yield from _zones(results.table("activation_zones"), share)
    yield from picture_of(
        results,
        "imaging_activation",
        "Where the networks look",
        "Patients of the highest and of the lowest risk.",
    )
    yield from picture_of(
        results,
        "imaging_activation_zones",
        "Zones that the networks look at",
        "Above 1: more often than by chance.",
    )
    groups = results.table("activation_groups")
    yield from _differences(groups)
    yield from picture_of(
        results,
        "imaging_activation_groups",
        "Maps where the networks look",
        "Mean of each map in the highlighted area, a dot a patient.",
    )
    if len(groups):
        yield _table(groups, share)


def _zones(zones: pd.DataFrame, share: float) -> Iterator[Paragraph]:
    """Where in the tumour the highlighted area lies, against chance."""
    known = zones[zones["share"] > 0]
    if known.empty:
        return
    times = (known["highlighted"] / known["share"]).groupby(known["zone"]).median()
    parts = [
        f"{words} {times[zone]:.1f} times" for zone, words in _ZONES.items() if zone in times.index
    ]
    patients = count(known["patient"].nunique(), "patient")
    yield Paragraph(
        f"The {percent(share)} of each patient's slices with the highest activation lie, against "
        f"chance (1 time; median of {patients}), in {join_words(parts)}. Activation says where a "
        "network looked, not what it found there."
    )


def _differences(groups: pd.DataFrame) -> Iterator[Paragraph]:
    """Which maps differ there between the groups, in words."""
    known = groups.dropna(subset=["p"])
    if known.empty:
        if len(groups):
            row = records(groups)[0]
            yield Paragraph(
                f"Too few patients to compare: {int(row['n_high']):,} of high and "
                f"{int(row['n_low']):,} of low risk.",
                "caution",
            )
        return
    sure = known[known["q"] < _Q]
    parts = [
        f"{row['map']} is {'higher' if row['difference'] > 0 else 'lower'} "
        f"(by {_difference(row)}; q {format_p(row['q'])})"
        for row in records(sure)
    ]
    if parts:
        yield Paragraph(f"There, in patients of high risk, {join_words(parts)}.")
    else:
        yield Paragraph("No map differs there between high and low risk at q < 0.05.", "muted")
    seen = int(known["n_seen"].max())
    if seen:
        yield Paragraph(
            f"{count(seen, 'patient')} of these a network had learned from or was chosen by: there "
            "it may highlight what it knows by heart.",
            "caution",
        )


def _difference(row: dict[str, float]) -> str:
    """Difference of the groups with its interval."""
    ends = (row["difference"], row["difference_low"], row["difference_high"])
    return format_interval(*ends, decimals=3)


def _table(groups: pd.DataFrame, share: float) -> Table:
    """A row a map."""
    rows = [
        (
            map_label(str(row["map"])),
            f"{int(row['n_high']):,} / {int(row['n_low']):,}",
            format_number(row["mean_high"]),
            format_number(row["mean_low"]),
            _difference(row),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(groups)
    ]
    heads = ("map", ">n high / low", ">mean, high", ">mean, low", ">difference", ">p", ">q")
    first = records(groups)[0]
    cut = {
        "frozen": "the cut-point that was found in the training cohort and frozen",
        "median": "the median risk of the training patients",
    }
    note = (
        f"Mean of the map in the {percent(share)} of the slices with the highest activation. High: "
        f"above {first['cut']:.2f}, {cut.get(str(first['rule']), 'a cut-point')}. Difference: "
        "Hodges and Lehmann's estimate; p: Wilcoxon-Mann-Whitney test; q: over the maps. The "
        "groups come from the same networks, so that a difference says what they go by, not what "
        "causes the risk."
    )
    return table("Maps in the highlighted area by risk", heads, rows, note)
