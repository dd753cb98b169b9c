"""Numbers of the section on traits: how well each is told, in words and as a table."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Table, table
from histoniche.report.numbers import MISSING, format_interval
from histoniche.report.results import Results, records
from histoniche.report.traits import (
    LEVEL_NAMES,
    MACRO,
    METRIC_NAMES,
    SET_NAMES,
    SET_WORDS,
    in_order,
    main_round,
    round_words,
    span,
    tidy,
)
from histoniche.wording import count, join_words

_SETS = {**SET_NAMES, "unseen": "test and OOD together"}
_FEW = 10


def metrics_of(results: Results, trait: str) -> pd.DataFrame:
    """Known metrics of a trait, on each set and level of the round that stands for it."""
    if not results.has("trait_metrics") or results.table("trait_metrics").empty:
        return pd.DataFrame()
    metrics = results.table("trait_metrics")
    return _standing(tidy(metrics[metrics["trait"] == trait]).dropna(subset=["value"]))


def _standing(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the round that stands for each set and level; all where none does."""
    kept = []
    for _, own in rows.groupby(["set", "level"], sort=False):
        main = main_round(own["round"])
        kept.append(own if main is None else own[own["round"] == main])
    return pd.concat(kept) if kept else rows


def verdict(metrics: pd.DataFrame) -> Iterator[Block]:
    """What the numbers allow to say."""
    tested = metrics[metrics["set"] == "test"]
    areas = _headline(tested[tested["metric"] == "auroc"])
    there = set(areas["level"])
    level = next((name for name in ("patient", "slide", "tile") if name in there), "")
    own = areas[areas["level"] == level]
    if len(own) != 1:
        return
    row = own.iloc[0].to_dict()
    area = format_interval(row["value"], row["low"], row["high"])
    patients = int(row["n_patients"])
    text = f"AUROC of {LEVEL_NAMES[level].lower()} {area} in {count(patients, 'test patient')}"
    right = tested[(tested["class"] == "all") & (tested["level"] == level)]
    if len(right) == 1:
        share = right.iloc[0].to_dict()
        called = format_interval(share["value"], share["low"], share["high"])
        text += f", share called right {called}"
    yield Paragraph(f"{text} ({round_words(str(row['round']))}).")
    if row["low"] <= 0.5 <= row["high"]:
        yield Paragraph("The interval holds 0.5: no better than chance could be shown.", "caution")
    if patients < _FEW:
        yield Paragraph(f"With {count(patients, 'patient')} the interval says little.", "caution")


def _headline(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows of the mean over classes where there are some, else all."""
    mean = metrics[metrics["class"] == MACRO]
    return mean if len(mean) else metrics


def numbers(metrics: pd.DataFrame, trait: str) -> Table:
    """A row a set, level and class."""
    kept = metrics[metrics["metric"].isin(list(METRIC_NAMES)) & (metrics["class"] != "all")]
    rows = []
    for name in in_order(kept["set"], SET_NAMES):
        for level in in_order(kept["level"], LEVEL_NAMES):
            own = kept[(kept["set"] == name) & (kept["level"] == level)]
            for label in in_order(own["class"], [c for c in own["class"] if c != MACRO]):
                mine = own[own["class"] == label]
                rows.append(_row(mine, SET_NAMES.get(name, name), LEVEL_NAMES[level], label))
    heads = (
        *("set", "level", "class", "judged by", ">patients", ">slides"),
        *(f">{name}" for name in METRIC_NAMES.values()),
    )
    sets = [
        f"{SET_NAMES[key]}: {words}" for key, words in SET_WORDS.items() if key in set(kept["set"])
    ]
    note = (
        "In brackets intervals over patients. Each class against the rest; mean: over the "
        f"classes. {'; '.join(sets)}."
    )
    return table(trait, heads, rows, note)


def _row(metrics: pd.DataFrame, name: str, level: str, label: str) -> tuple[str, ...]:
    """Numbers of one class; of several rounds their median, without an interval."""
    rounds = metrics["round"].nunique()
    cells = []
    for metric in METRIC_NAMES:
        own = metrics[metrics["metric"] == metric]
        if own.empty:
            cells.append(MISSING)
        elif len(own) == 1:
            row = own.iloc[0].to_dict()
            cells.append(format_interval(row["value"], row["low"], row["high"]))
        else:
            cells.append(f"{own['value'].median():.2f}")
    shown = "mean" if label == MACRO else label
    return (
        name,
        level,
        shown,
        round_words(metrics["round"].iloc[0]) if rounds == 1 else f"median of {rounds} rounds",
        span(metrics["n_patients"]),
        span(metrics["n_slides"]),
        *cells,
    )


def agreement(results: Results, trait: str) -> Iterator[Block]:
    """Correlation of the scores with what was measured in bulk."""
    if not results.has("trait_agreement"):
        return
    known = tidy(results.table("trait_agreement"))
    known = known[(known["trait"] == trait) & (known["level"] == "slide")]
    found = _standing(known.dropna(subset=["rho"]))
    words = [
        f"{format_interval(row['rho'], row['low'], row['high'])} in "
        f"{_SETS.get(row['set'], row['set'])} "
        f"({count(int(row['n_patients']), 'patient')})"
        for row in records(found)
    ]
    if words:
        yield Paragraph(
            f"Spearman's ρ of the slides' score with the percentile: {join_words(words)}."
        )
