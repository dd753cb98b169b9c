"""Section on signatures learned from survival: scans, networks, risks, and what they look at."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Block, Heading, Paragraph, Section
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results
from histoniche.report.risk_settings import Signature, signatures_of
from histoniche.report.sections.activation import activation_blocks
from histoniche.report.sections.concordance import concordance_blocks
from histoniche.report.sections.scans import scan_blocks
from histoniche.wording import count, join_words

_TITLE = "Signatures of risk"
_ROLES = {"train": "to learn from", "validation": "to choose the weights by"}


def risk_signatures_section(results: Results) -> Section:
    """Report risks that networks learned from scans or slides."""
    found = signatures_of(results)
    if not found:
        missing = "no `imaging` and no `slide_signature` block"
        return Section("risk_signatures", _TITLE, [], missing=missing)
    return Section("risk_signatures", _TITLE, list(_blocks(results, found)))


def _blocks(results: Results, found: list[Signature]) -> Iterator[Block]:
    """All signatures together, then each on its own."""
    names = [f"{one.score} ({one.words})" for one in found]
    yield Paragraph(
        f"Risks between 0 and 1 that networks learned from survival: {join_words(names)}. 0.5 is "
        "the mean patient of the training. They go on as scores to groups, models and genes."
    )
    yield from concordance_blocks(results, found)
    for one in found:
        yield Heading(f"{one.words.capitalize()}: {one.score}")
        if one.block == "imaging":
            yield from scan_blocks(results)
        yield from _division(results, one)
        yield from picture_of(
            results,
            f"risk_training_{one.block}",
            f"Training of {one.score}",
            "Learning curves; points: the weights that are kept.",
        )
        yield from picture_of(
            results,
            f"risks_{one.block}",
            f"{one.score} of every patient",
            "Patients in the order of their risk, with what became of them.",
        )
        if one.block == "imaging":
            yield from activation_blocks(results, one)


def _division(results: Results, one: Signature) -> Iterator[Paragraph]:
    """How patients were divided, and whom the networks had not seen."""
    if one.settings.get("pretrained"):
        yield Paragraph("Networks trained elsewhere were applied; nobody here was learned from.")
        return
    if not results.has(f"{one.block}_split"):
        return
    split = results.table(f"{one.block}_split")
    scored = results.table(f"{one.block}_scores")
    others = scored[~scored["patient"].isin(split["patient"])]
    if folds := one.settings.get("folds"):
        yield Paragraph(
            f"{_people(split)} were divided into {folds} folds, each with its share of the "
            "deaths: the network that tests a fold learned from all but it and the next, which "
            f"chose its weights. {_others(others, 'the mean of all networks')}"
        )
        yield Paragraph(
            "Their risks come from networks of different folds, which are not on one scale: a "
            "cut-point over all of them, and any curve or model that uses it, rests on several "
            "networks. Networks learned from each other's test patients, so that the folds are "
            "not independent either.",
            "caution",
        )
        return
    sides = [f"{_people(split[split['role'] == role])} {words}" for role, words in _ROLES.items()]
    yield Paragraph(f"{join_words(sides)}. {_others(others, 'the network')}")


def _people(table: pd.DataFrame) -> str:
    """Patients and deaths of a part of the division, in words."""
    deaths = count(int(table["event"].fillna(0).sum()), "death")
    return f"{count(len(table), 'patient')} ({deaths})"


def _others(others: pd.DataFrame, judge: str) -> str:
    """Who was judged without having been learned from, in words."""
    if others.empty:
        return "Nobody else has a risk."
    sizes = others["cohort"].fillna("no cohort").value_counts(sort=False)
    parts = [f"{size:,} in {name}" for name, size in sizes.items()]
    return (
        f"{count(len(others), 'further patient')} ({join_words(parts)}), whom no network had seen, "
        f"{'was' if len(others) == 1 else 'were'} judged by {judge}."
    )
