"""Pictures of traits: the surest tiles, heat maps, and how mixed the slides are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from histoniche.report.blocks import Block, Gallery, Heading, Paragraph
from histoniche.report.numbers import percent
from histoniche.report.pictures import photo_of, picture_of
from histoniche.report.results import Results
from histoniche.report.trait_settings import bag_traits, tile_traits
from histoniche.wording import count

_PICTURES = 6
_GALLERY_BYTES = 400_000
_MAPS_BUDGET = 1_200_000


def gallery(results: Results, trait: str) -> Iterator[Gallery]:
    """The surest right and wrong tiles."""
    for path in results.paths("trait_galleries"):
        if path.parent.name == trait:
            photo = photo_of(results, path, note="", side=960, most=_GALLERY_BYTES)
            note = (
                "Tiles inherit the class of their slide, so that a wrong one may be right. Which "
                f"they are stands in traits/{trait}/gallery.tsv."
            )
            yield Gallery("Surest tiles, right and wrong", [photo], "large", note)


def heat_maps(results: Results) -> Iterator[Gallery]:
    """What the networks found on each tile of some slides."""
    notes = []
    if tile_traits(results):
        notes.append(
            "Several classes: the colour of the most probable, darker the surer. Two classes: warm "
            "positive, cool negative, neutral at the threshold. All tiles stand in GeoJSON for "
            "QuPath."
        )
    if bag_traits(results):
        notes.append(
            "Attention: how much a tile counted for the slide's class, against the slide's mean; "
            "it does not say what the tile shows."
        )
    yield from _maps(results, results.paths("heat_maps"), "Heat maps", " ".join(notes))


def heterogeneity(results: Results) -> Iterator[Block]:
    """The heterogeneity indices, their distributions and their maps."""
    if not results.has("heterogeneity"):
        return
    table = results.table("heterogeneity")
    yield Heading("Heterogeneity")
    yield Paragraph(
        "The heterogeneity index (HTI) is 0 where one combination of traits is on all tiles that "
        "show any, and 1 where all combinations are equally common."
    )
    # An index that no slide has is told of too.
    for score in dict.fromkeys(
        [*table["score"], *results.block("traits").get("heterogeneity", {})]
    ):
        yield Paragraph(_spread(table[table["score"] == score], str(score)))
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


def _spread(own: pd.DataFrame, score: str) -> str:
    """How an index is spread over patients, in words."""
    known = own["hti"].dropna()
    if known.empty:
        return f"{score}: no patient has a tile that is positive for a trait."
    low, middle, high = known.quantile([0.25, 0.5, 0.75])
    text = (
        f"{score}, {count(len(known), 'patient')}: median {middle:.2f}, quartiles {low:.2f} and "
        f"{high:.2f}; above 0.5 in {percent(float((known > 0.5).mean()))}."
    )
    missing = len(own) - len(known)
    if missing:
        text += f" {count(missing, 'patient')} without a positive tile left out."
    if "unseen" in own and not own["unseen"].all():
        unseen = int(own.loc[known.index, "unseen"].sum())
        text += f" {count(unseen, 'of them was', 'of them were')} seen by none of the networks."
    return text


def _maps(results: Results, paths: Sequence[Path], title: str, note: str) -> Iterator[Gallery]:
    """Pictures of some slides, those of test patients first."""
    patients: dict[str, str] = {}
    tested: set[str] = set()
    if results.has("quality"):
        quality = results.table("quality")
        used = quality[quality["status"] == "ok"]
        patients = dict(zip(used["slide"].astype(str), used["patient"].astype(str), strict=True))
        paths = [path for path in paths if path.parent.name in patients]
        aside = set_aside(results)
        tested = {slide for slide, who in patients.items() if who in aside}
    most = int(results.block("report").get("examples", _PICTURES))
    shown = sorted(paths, key=lambda path: path.parent.name not in tested)[:most]
    photos = [
        photo_of(
            results,
            path,
            note=patients.get(path.parent.name, ""),
            side=960,
            most=_MAPS_BUDGET // len(shown),
        )
        for path in shown
    ]
    if photos:
        title = f"{title}, {len(photos)} of {count(len(paths), 'slide')}"
        yield Gallery(title, photos, "large", note)


def set_aside(results: Results) -> set[str]:
    """Patients whom no round has learned from or was chosen by; nobody in a cross-validation."""
    if not results.has("trait_division"):
        return set()
    divided = results.table("trait_division")
    aside = divided["round"].isna() & (divided["role"] == "test")
    return set(divided.loc[aside, "patient"].astype(str))
