"""Section on traits: what was learned, how well it is told, where it is, and how mixed."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from histoniche.report.blocks import Block, Heading, Paragraph, Section, not_run
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results
from histoniche.report.sections.trait_comparisons import chains, comparisons, round_table
from histoniche.report.sections.trait_maps import gallery, heat_maps, heterogeneity
from histoniche.report.sections.trait_numbers import agreement, metrics_of, numbers, verdict
from histoniche.report.trait_settings import (
    bag_traits,
    folds,
    named_traits,
    tile_traits,
    trained_elsewhere,
)
from histoniche.wording import count, join_words

_TITLE = "Traits on the tiles"
_OUTSIDE = ("near", "far")


def traits_section(results: Results) -> Section:
    """Report what was learned of each trait, how well it is told, and where it is."""
    if not any(results.has(name) for name in ("trait_labels", "trait_metrics", "heat_maps")):
        return not_run("traits", _TITLE, "traits")
    return Section("traits", _TITLE, list(_blocks(results)))


def _blocks(results: Results) -> Iterator[Block]:
    """All traits together, each on its own, then the maps."""
    yield from _opening(results)
    yield from picture_of(
        results,
        "trait_rounds",
        "All traits",
        f"Hollow: single rounds. Filled: {'out of fold' if folds(results) else 'the ensemble'} "
        "with its interval over patients.",
    )
    yield from round_table(results)
    for trait in _names(results):
        yield Heading(trait)
        yield from _trait(results, trait)
    yield from comparisons(results)
    yield from chains(results)
    yield from heat_maps(results)
    yield from heterogeneity(results)


def _opening(results: Results) -> Iterator[Paragraph]:
    """What the networks learned from, and on whom they were measured."""
    if trained_elsewhere(results):
        named = list(named_traits(results))
        yield Paragraph(
            f"Networks trained elsewhere were applied: {join_words(named)}. Nobody here tells how "
            "right they are.",
            "caution",
        )
        return
    tiles, bags = tile_traits(results), bag_traits(results)
    if tiles:
        learned = join_words(tiles) if bags else "each trait"
        yield Paragraph(
            f"Networks learned {learned} from tiles that inherit the class of their slide, though "
            "not every tile shows it."
        )
    if bags:
        encoder = results.block("traits").get("features", {}).get("encoder", "an encoder")
        yield Paragraph(
            f"{join_words(bags)} {'was' if len(bags) == 1 else 'were'} learned from the label of "
            f"the slide alone, by attention on features of `{encoder}`: no tile has a class of its "
            "own. Attention maps are among the heat maps."
        )
    divided = "Patients, never slides or tiles, were divided"
    if number := folds(results):
        yield Paragraph(
            f"{divided} into {number} folds: each patient is judged by the network that never saw "
            "them."
        )
    else:
        yield Paragraph(f"{divided}; all numbers are of patients whom the network had not seen.")


def _names(results: Results) -> list[str]:
    """Traits in the order of the labels, then of the metrics."""
    found: dict[str, None] = {}
    for name in ("trait_labels", "trait_metrics"):
        if results.has(name):
            found |= dict.fromkeys(results.table(name)["trait"].astype(str))
    return list(found)


def _trait(results: Results, trait: str) -> Iterator[Block]:
    """What one trait was learned from, its numbers and its figures."""
    if results.has("trait_labels"):
        labels = results.table("trait_labels")
        settings = named_traits(results).get(trait, {})
        yield from _learned(labels[labels["trait"] == trait], settings)
    metrics = metrics_of(results, trait)
    if metrics.empty:
        yield Paragraph(
            "No held-out patient has a class: how well it is told is unknown.", "caution"
        )
    else:
        yield from verdict(metrics)
        yield numbers(metrics, trait)
    yield from agreement(results, trait)
    yield from picture_of(
        results, f"trait_roc_{trait}", f"ROC of {trait}", "AUROC with intervals over patients."
    )
    yield from picture_of(
        results,
        f"trait_confusion_{trait}",
        f"Confusion of {trait}",
        "Each row adds up to 100 %: of those of one class, how many were called which.",
    )
    yield from picture_of(
        results,
        f"trait_scores_{trait}",
        f"Scores of {trait}",
        "Slides that no network learned from, against what was measured in bulk.",
    )
    yield from gallery(results, trait)
    yield from picture_of(
        results,
        f"trait_training_{trait}",
        f"Training of {trait}",
        "Learning curves of the rounds; points: the weights that are kept.",
    )


def _learned(labels: pd.DataFrame, settings: Mapping[str, Any]) -> Iterator[Block]:
    """Whence the classes come, and how many slides are of which."""
    inside = labels[labels["set"] == "in"]
    sizes = [
        f"{count(len(own), 'slide')} of {count(own['patient'].nunique(), 'patient')} {name}"
        for name, own in inside.groupby("class", sort=False)
    ]
    text = f"{_source(settings)}{join_words(sizes) or 'No slide has a class'}."
    outside = labels[labels["set"].isin(_OUTSIDE)]
    if len(outside):
        near = outside[outside["set"] == "near"]
        text += (
            f" {count(len(outside), 'slide')} between the cuts set aside, "
            f"{len(near):,} of them next to a cut."
        )
    yield Paragraph(text)
    without = labels[labels["set"] == "unlabelled"]
    if len(without):
        reasons = without["reason"].fillna("").replace("", "no reason given").value_counts()
        told = join_words([f"{number:,} {reason}" for reason, number in reasons.head(5).items()])
        yield Paragraph(f"Left out: {count(len(without), 'slide')} ({told}).", "muted")


def _source(settings: Mapping[str, Any]) -> str:
    """Where the classes come from."""
    if expression := settings.get("expression"):
        low, high = (f"{100 * float(expression[end]):g}" for end in ("low", "high"))
        return (
            f"From the expression of {expression['gene']}: below the {low}th percentile low, "
            f"above the {high}th high. "
        )
    if labels := settings.get("labels"):
        return f"From the column `{labels['column']}` of the {labels.get('of', 'patients')}. "
    return ""
