"""Section on traits: what was learned, how well it is told, where it is, and how mixed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.report.blocks import (
    Block,
    Gallery,
    Heading,
    Paragraph,
    Photo,
    Section,
)
from histoniche.report.numbers import count, join_words, percent
from histoniche.report.pictures import jpeg_address, picture_of
from histoniche.report.results import Results
from histoniche.report.sections.trait_numbers import agreement, metrics_of, numbers, verdict

_TITLE = "Traits on the tiles"
_OUTSIDE = ("near", "far")
_PICTURES = 6
_GALLERY_BYTES = 400_000
_MAPS_BUDGET = 1_200_000


def traits_section(results: Results) -> Section | None:
    """Report what was learned of each trait, how well it is told, and where it is; or nothing."""
    if not any(results.has(name) for name in ("trait_labels", "trait_metrics", "heat_maps")):
        return None
    return Section("traits", _TITLE, list(_blocks(results)))


def _blocks(results: Results) -> Iterator[Block]:
    """All traits together, each on its own, then the maps."""
    yield Paragraph(
        "Networks learned each trait from tiles that inherit the class of their slide, though not "
        "every tile shows it. Patients, never slides or tiles, were divided; all numbers are of "
        "patients whom the network had not seen."
    )
    yield from picture_of(
        results,
        "trait_rounds",
        "All traits",
        "Hollow: single rounds. Filled: the ensemble with its interval over patients.",
    )
    for trait in _names(results):
        yield Heading(trait)
        yield from _trait(results, trait)
    yield from picture_of(
        results, "trait_training", "Training", "Learning curves; points: the weights that are kept."
    )
    yield from _maps(
        results,
        results.paths("heat_maps"),
        "Heat maps",
        "Several classes: the colour of the most probable, darker the surer. Two classes: warm "
        "positive, cool negative, neutral at the threshold. All tiles stand in GeoJSON for QuPath.",
    )
    yield from _heterogeneity(results)


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
        yield from _learned(labels[labels["trait"] == trait], _settings(results, trait))
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
    yield from _gallery(results, trait)


def _settings(results: Results, trait: str) -> Mapping[str, Any]:
    """The trait's own block of the configuration; empty if it is not where it is looked for."""
    block = results.block("traits")
    for place in (block.get("traits"), block.get("named"), block):
        if isinstance(place, Mapping) and isinstance(place.get(trait), Mapping):
            return dict(place[trait])
    return {}


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
    expression, labels = settings.get("expression"), settings.get("labels")
    if isinstance(expression, Mapping):
        low, high = (
            f"{100 * float(expression.get(k, d)):g}" for k, d in (("low", 0.2), ("high", 0.8))
        )
        return (
            f"From the expression of {expression.get('gene', 'a gene')}: below the {low}th "
            f"percentile low, above the {high}th high. "
        )
    if isinstance(labels, Mapping):
        return (
            f"From the column `{labels.get('column', '')}` of the {labels.get('of', 'patients')}. "
        )
    return ""


def _gallery(results: Results, trait: str) -> Iterator[Block]:
    """The surest right and wrong tiles."""
    for path in results.paths("trait_galleries"):
        if path.parent.name == trait:
            photo = Photo(trait, "", jpeg_address(path, side=960, most=_GALLERY_BYTES))
            note = (
                "Tiles inherit the class of their slide, so that a wrong one may be right. Which "
                f"they are stands in traits/{trait}/gallery.tsv."
            )
            yield Gallery("Surest tiles, right and wrong", [photo], "large", note)


def _maps(results: Results, paths: Sequence[Path], title: str, note: str) -> Iterator[Block]:
    """Pictures of some slides, those of test patients first."""
    patients: dict[str, str] = {}
    tested: set[str] = set()
    if results.has("quality"):
        quality = results.table("quality")
        used = quality[quality["status"] == "ok"]
        patients = dict(zip(used["slide"].astype(str), used["patient"].astype(str), strict=True))
        paths = [path for path in paths if path.parent.name in patients]
        roles = results.roles()
        tested = {slide for slide, who in patients.items() if roles.get(who) == "test"}
    most = int(results.block("report").get("examples", _PICTURES))
    shown = sorted(paths, key=lambda path: path.parent.name not in tested)[:most]
    photos = [
        Photo(
            path.parent.name,
            patients.get(path.parent.name, ""),
            jpeg_address(path, side=960, most=_MAPS_BUDGET // len(shown)),
        )
        for path in shown
    ]
    if photos:
        yield Gallery(
            f"{title}, {len(photos)} of {count(len(paths), 'slide')}", photos, "large", note
        )


def _heterogeneity(results: Results) -> Iterator[Block]:
    """The heterogeneity indices, their distributions and their maps."""
    if not results.has("heterogeneity"):
        return
    table = results.table("heterogeneity")
    yield Heading("Heterogeneity")
    yield Paragraph(
        "The heterogeneity index (HTI) is 0 where one combination of traits is on all tiles that "
        "show any, and 1 where all combinations are equally common."
    )
    for score, own in table.groupby("score", sort=False):
        yield Paragraph(_spread(own["hti"], str(score)))
        stem = f"heterogeneity_{score}"
        yield from picture_of(
            results, stem, f"Index {score}", "Groups are those that survival compares."
        )
        yield from _maps(
            results,
            [path for path in results.paths("heterogeneity_maps") if path.stem == stem],
            f"Heterogeneity maps of {score}",
            "A colour a combination of traits; of more than four traits, by how many are positive.",
        )


def _spread(hti: "pd.Series[float]", score: str) -> str:
    """How an index is spread over patients, in words."""
    known = hti.dropna()
    if known.empty:
        return f"{score}: no patient has a tile that is positive for a trait."
    low, middle, high = known.quantile([0.25, 0.5, 0.75])
    text = (
        f"{score}, {count(len(known), 'patient')}: median {middle:.2f}, quartiles {low:.2f} and "
        f"{high:.2f}; above 0.5 in {percent(float((known > 0.5).mean()))}."
    )
    missing = len(hti) - len(known)
    if missing:
        text += f" {count(missing, 'patient')} without a positive tile left out."
    return text
