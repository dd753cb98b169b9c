"""Legends: what the colours of an overlay stand for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from histoniche.traits.attention_panel import TileAttention
from histoniche.traits.colours import (
    ATTENTION_ENDS,
    attention_colours,
    class_colours,
    confidence_colours,
    diverging_colours,
)
from histoniche.traits.heterogeneity_map import Kind
from histoniche.traits.tile_calls import TileCalls
from histoniche.viewer.probabilities import probability_colours

_STEPS = 32


@dataclass(frozen=True)
class Key:
    """One colour and what it stands for."""

    colour: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Ramp:
    """A scale of colours from left to right, with words at places from 0 to 1."""

    title: str
    colours: list[str]
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class Legend:
    """Keys and scales of an overlay, and what else is to be known."""

    keys: list[Key] = field(default_factory=list)
    ramps: list[Ramp] = field(default_factory=list)
    note: str = ""


def hexadecimal(colour: Sequence[int] | np.ndarray) -> str:
    """A colour of three numbers as #RRGGBB."""
    return "#{:02X}{:02X}{:02X}".format(*(int(part) for part in colour[:3]))


def probability_legend(region: str) -> Legend:
    """Scale of a region's probability."""
    shades = probability_colours()[np.linspace(0, 255, _STEPS).round().astype(int)]
    ticks = [(0.0, "0"), (0.5, "0.5"), (1.0, "1")]
    ramp = Ramp(f"Probability of {region}", [hexadecimal(one) for one in shades], ticks)
    return Legend(ramps=[ramp])


def calls_legend(calls: TileCalls) -> Legend:
    """Classes of a trait with how many tiles each got, and the scale of their colours."""
    counts = np.bincount(calls.called(), minlength=len(calls.classes))
    notes = [_tiles(int(count), int(counts.sum())) for count in counts]
    if calls.binary:
        low, high = diverging_colours(np.array([0.0, 1.0]), calls.threshold)
        keys = [
            Key(hexadecimal(high), calls.classes[1], notes[1]),
            Key(hexadecimal(low), calls.classes[0], notes[0]),
        ]
        steps = np.linspace(0, 1, _STEPS)
        colours = diverging_colours(steps, calls.threshold)
        ticks = [(calls.threshold, f"{calls.threshold:.3g}")]
        ticks += [(end, f"{end:g}") for end in (0.0, 1.0) if abs(end - calls.threshold) > 0.15]
        title = f"Probability of {calls.classes[1]}"
        return Legend(keys, [Ramp(title, [hexadecimal(one) for one in colours], sorted(ticks))])
    keys = [
        Key(colour, name, note)
        for colour, name, note in zip(
            class_colours(len(calls.classes)), calls.classes, notes, strict=True
        )
    ]
    # Even steps of colour: the probability at which the doubt is 0.01 ** step.
    sure = 1 - 0.01 ** np.linspace(0, 1, _STEPS)
    ticks = [(float(np.log(1 - value) / np.log(0.01)), f"{value:g}") for value in (0.5, 0.9, 0.99)]
    ramps = [
        Ramp(
            f"Probability of {name}",
            [
                hexadecimal(one)
                for one in confidence_colours(np.full(_STEPS, which), sure, len(calls.classes))
            ],
            ticks,
        )
        for which, name in enumerate(calls.classes)
    ]
    return Legend(keys, ramps)


def attention_legend(found: TileAttention) -> Legend:
    """Scale of the attention, and how the bag was judged."""
    least, most = np.log2(ATTENTION_ENDS)
    colours = attention_colours(2 ** np.linspace(least, most, _STEPS))
    ticks = [(0.0, "1/8"), (0.5, "1"), (1.0, "8")]
    judged = ", ".join(f"{name} {value:.2f}" for name, value in found.probabilities.items())
    ramp = Ramp("Attention, times the mean", [hexadecimal(one) for one in colours], ticks)
    return Legend(ramps=[ramp], note=f"Judged: {judged}" if judged else "")


def kinds_legend(kinds: Sequence[Kind]) -> Legend:
    """Combinations of traits that occur, with how many tiles show each."""
    total = sum(kind.tiles for kind in kinds)
    return Legend(
        [Key(kind.colour, kind.name, _tiles(kind.tiles, total)) for kind in kinds if kind.tiles]
    )


def _tiles(number: int, total: int) -> str:
    """How many tiles, and which share of all."""
    return f"{number:,} of {total:,} tiles" + (f" ({number / total:.0%})" if total else "")
