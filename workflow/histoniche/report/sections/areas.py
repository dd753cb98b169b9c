"""Section on the areas of the regions."""

import numpy as np

from histoniche.report.blocks import Block, Paragraph, Section, table
from histoniche.report.measures import MEASURES
from histoniche.report.numbers import format_number
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results
from histoniche.wording import count

_TITLE = "Areas of the regions"


def areas_section(results: Results) -> Section:
    """Describe how much of each region the patients have."""
    if not results.has("areas"):
        missing = "no `segmentation` block and no table of areas"
        return Section("areas", _TITLE, [], missing=missing)
    areas = results.table("areas").dropna(subset=["area"])
    name, unit = MEASURES[results.block("areas").get("measure", "area_mm2")]
    patients = areas["patient"].nunique()
    brought = bool(results.block("areas").get("path"))
    origin = (
        "as brought along in a table, one value a patient."
        if brought
        else "measured on the region maps; a patient's area is the mean over all sections."
    )
    text = f"{name} ({unit}) of {count(patients, 'patient')}, {origin}"
    rows = []
    for code, region in results.region_names().items():
        values = areas.loc[areas["region"] == code, "area"].to_numpy(dtype=float)
        if len(values):
            numbers = (*np.quantile(values, (0.25, 0.5, 0.75)), values.mean(), values.max())
            share = f"{int((values > 0).sum()):,} of {len(values):,}"
            rows.append((f"{region} ({code})", share, *(format_number(n) for n in numbers)))
    heads = (">first quartile", ">median", ">third quartile", ">mean", ">largest")
    blocks: list[Block] = [
        Paragraph(text),
        *picture_of(
            results, "areas", "Area of each region", "One dot a patient; box: quartiles and median."
        ),
        *picture_of(
            results,
            "composition",
            "Make-up of each tumour",
            "One column a patient: the regions' shares of the area of all regions.",
        ),
        table(f"{name} ({unit}) over the patients", ("region", ">present in", *heads), rows),
    ]
    return Section("areas", _TITLE, blocks)
