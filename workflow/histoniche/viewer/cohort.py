"""The cohort as pages show it: patients with their slides, areas and survival."""

from typing import Any

import pandas as pd

from histoniche.viewer.index import Index
from histoniche.viewer.tables import written

_OWN = ("patient", "time_days", "event")


def cohort_table(index: Index) -> pd.DataFrame:
    """One row a patient: slides, survival, covariates, and the areas of the regions in mm²."""
    table = index.patients.reset_index(drop=True)
    counts = index.slides.groupby("patient").size() if len(index.slides) else pd.Series(dtype=int)
    table.insert(1, "slides", table["patient"].map(counts).fillna(0).astype(int))
    if "event" in table:
        table["event"] = [survival_word(value) for value in table["event"]]
        table = table.rename(columns={"event": "status"})
    areas = index.table("areas/patients")
    if areas is None or areas.empty:
        return table
    measure = "area_mm2" if areas["area_mm2"].notna().any() else "area"
    wide = areas.pivot_table(index="patient", columns="region", values=measure, sort=False)
    unit = " mm²" if measure == "area_mm2" else ""
    wide.columns = pd.Index([f"{region}{unit}" for region in wide.columns])
    return table.merge(wide, how="left", left_on="patient", right_index=True)


def survival_word(event: Any) -> str:
    """What became of a patient."""
    return "" if pd.isna(event) else "died" if int(event) == 1 else "alive"


def covariates(index: Index, patient: str) -> list[tuple[str, str]]:
    """Names and values of a patient's covariates."""
    row = index.patients.loc[patient]
    return [(str(name), written(row[name])) for name in row.index if name not in _OWN]


def area_rows(index: Index, **wanted: str) -> list[dict[str, str]]:
    """Areas of a slide or patient by region, with the region's name and colour."""
    name = "areas/slides" if "slide" in wanted else "areas/patients"
    known = {one.region: one for one in index.palette}
    rows = []
    for row in index.rows(name, **wanted):
        region = str(row["region"])
        colour = known.get(region)
        share = row.get("tissue_share")
        rows.append(
            {
                "region": region,
                "name": colour.name if colour else region,
                "colour": colour.colour if colour else "",
                "area": written(row.get("area_mm2")),
                "share": "" if share is None or pd.isna(share) else f"{float(share):.1%}",
            }
        )
    return rows


def scores_of(index: Index, slide: str) -> list[tuple[str, str]]:
    """What was found of a slide beside its regions: heterogeneity by index."""
    return [
        (f"HTI, {row['score']}", written(row["hti"]) or "not defined")
        for row in index.rows("traits/heterogeneity/slides", slide=slide)
        if "hti" in row
    ]
