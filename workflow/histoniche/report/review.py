"""The review page: the best trials of every network for a pathologist, and a sheet for verdicts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.palette import Region
from histoniche.cohort.schemas import read_schema
from histoniche.files import read_json, whole_file, write_text
from histoniche.report.blocks import Block, Gallery, Paragraph, Photo, Section, Swatches
from histoniche.report.evaluation import found_by
from histoniche.report.numbers import format_number
from histoniche.report.page import render
from histoniche.report.pictures import jpeg_address

_MOST_BYTES = 160_000
_HOW = (
    "These are the best trials of each network, by their numbers on validation patients. Look at "
    "each, then copy `review/verdicts.tsv` to the place that `segmentation.tuning.verdicts` names, "
    "write `accepted` or `rejected` into the column verdict of every row, and start the workflow "
    "again. It goes on with the best trial that you accepted."
)


def write_review(
    pictured: Sequence[tuple[str, int, Path]],
    page: Path,
    verdicts: Path,
    *,
    palette: Sequence[Region],
    study: dict[str, Any],
) -> None:
    """Write the page that a pathologist looks at and the sheet that is filled in.

    Parameters
    ----------
    pictured
        Head, fold and folder of each network's pictures, as from
        `histoniche.regions.review.picture_trials`.
    page, verdicts
        Where the page and the empty sheet go.
    palette
        Regions with names and colours, background first.
    study
        The config's block `study`.
    """
    colours = Swatches([(one.colour, one.region, one.name) for one in palette[1:]])
    sections = [Section("how", "What to do", [Paragraph(_HOW), colours])]
    blank = []
    for head, fold, folder in pictured:
        rows = read_json(folder / "trials.json")
        sections.append(_section(head, fold, folder, rows))
        for trial, model in dict.fromkeys((row["trial"], row["model"]) for row in rows):
            blank.append({"head": head, "fold": fold, "trial": trial, "model": model})
    title = f"Review of the networks: {study.get('title', study['name'])}"
    write_text(render(sections, study={**study, "title": title}), page)
    sheet = pd.DataFrame(blank, columns=list(read_schema("verdicts")["properties"]))
    with whole_file(verdicts) as temporary:
        sheet.to_csv(temporary, sep="\t", index=False)


def _section(head: str, fold: int, folder: Path, rows: Sequence[dict[str, Any]]) -> Section:
    """Pictures of one network's trials, the best first."""
    blocks: list[Block] = []
    for trial in dict.fromkeys(row["trial"] for row in rows):
        own = [row for row in rows if row["trial"] == trial]
        photos = [
            Photo(
                f"{row['slide']}",
                f"{row['patient']}: {100 * row['accuracy']:.0f} % of the pixels right, mean F1 "
                f"{format_number(row['macro_f1'])}",
                jpeg_address(folder / row["picture"], side=1280, most=_MOST_BYTES),
            )
            for row in own
        ]
        title = f"Trial {trial}, rank {own[0]['rank']}, model {own[0]['model']}"
        blocks.append(Gallery(title, photos, "large"))
    return Section(f"{head}-{fold}", f"Network of {found_by(head)}, fold {fold}", blocks)
