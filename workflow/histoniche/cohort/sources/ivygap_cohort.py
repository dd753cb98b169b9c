"""A cohort of the Ivy Glioblastoma Atlas: tumours, sections, annotation, RNA-seq."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.importers import import_ivygap
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.decisions import Decision
from histoniche.cohort.sources.fetching import fetch
from histoniche.cohort.sources.gathering import Gathered, Services, below
from histoniche.cohort.sources.ivygap import Section

_PALETTE = "ivygap"
_COLUMNS = ("slide", "patient", "path", "mpp", "section_type", "annotation")

SECTION_RULE = (
    "Of each sub-block every H&E section, or with `middle` the one in the middle of those there "
    "are (of two, the first). Sections were cut from frozen blocks. The resolution is that of the "
    "full picture times 2 for each halving."
)
SURVIVAL_RULE = (
    "survival_days of the table of sub-blocks is taken as time to death: the atlas publishes no "
    "vital status, and no time of patients without one."
)


def gather_ivygap(
    recipe: Mapping[str, Any], services: Services, folder: Path, connection: Connection
) -> Gathered:
    """Gather what a recipe names; the atlas's small tables are fetched at once.

    Parameters
    ----------
    recipe
        As `read_recipe` gives it.
    services
        The services.
    folder
        Where the cohort will lie.
    connection
        To the atlas.
    """
    tables = services.ivygap.tables()
    fetch(tables, folder, connection)
    blocks = folder / "tables" / "sub_block_details.csv"
    sheet = folder / "tables" / "patients.tsv"
    import_ivygap(blocks, sheet)
    patients = pd.read_csv(sheet, sep="\t", dtype=str, keep_default_na=False)
    sheet.unlink()
    cohort = Gathered(patients, pd.DataFrame(columns=list(_COLUMNS)), remotes=list(tables))
    cohort.rules.append(SURVIVAL_RULE)
    cohort.flow.kept("Tumours of the Ivy Glioblastoma Atlas", patients=len(patients))
    if "sections" in recipe:
        _add_sections(cohort, recipe["sections"], services, blocks)
    used = set(cohort.slides["patient"]) if "sections" in recipe else set(patients["patient"])
    timed = set(patients.loc[patients["time"] != "", "patient"])
    cohort.flow.of_these("with survival time", len(used & timed))
    if "expression" in recipe:
        region = recipe["expression"]["region"]
        archive = services.ivygap.expression()
        cohort.remotes.append(archive)
        place = f"expression/{region}.tsv.gz"
        cohort.derived.append(
            {"make": "region expression", "from": [archive.path], "to": place, "region": region}
        )
        cohort.blocks["expression"] = {"path": below(folder, place), "unit": "fpkm"}
        sampled = _sampled(folder / "tables" / "rna_seq_samples_details.csv", region)
        cohort.flow.of_these(f"with RNA-seq of {region}", len(used & sampled))
    for name in ("subtype", "mgmt", "egfr"):
        labelled = set(patients.loc[patients[name] != "", "patient"])
        cohort.flow.of_these(f"with {name}", len(used & labelled))
    cohort.blocks["cohort"] = {
        "covariates": {
            "age": {"type": "numeric", "unit": "years", "per": 10},
            "karnofsky": {"type": "numeric", "unit": "points", "per": 10},
            **{name: {"type": "categorical"} for name in ("subtype", "mgmt", "egfr")},
        }
    }
    return cohort


def _add_sections(
    cohort: Gathered, settings: Mapping[str, Any], services: Services, blocks: Path
) -> None:
    """Choose sections, count them, and list their pictures and annotations."""
    table = pd.read_csv(blocks, dtype=str, keep_default_na=False)
    known = set(cohort.patients["patient"])
    wanted = table["study_name"].isin(settings["studies"]) | (not settings["studies"])
    left = table.loc[~wanted, ["sub_block_name", "tumor_name", "study_name"]].to_numpy()
    cohort.flow.left_out(
        "study",
        [
            Decision("slide", str(block), str(tumour), False, "study", f"study: {study}")
            for block, tumour, study in left
        ],
    )
    sets = [int(name) for name in table.loc[wanted, "data_set_id"] if name]
    found = [one for one in services.ivygap.sections(sets) if one.tumour in known]
    tumours = {one.tumour for one in found}
    cohort.flow.kept("H&E sections", patients=len(tumours), slides=len(found))
    chosen = found if settings["per_sub_block"] == "all" else _middle(found)
    reason = "not the middle section of its sub-block"
    cohort.flow.left_out(
        "one section a sub-block",
        [
            Decision("slide", one.slide, one.tumour, False, "one section a sub-block", reason)
            for one in found
            if one not in set(chosen)
        ],
    )
    cohort.slides = pd.DataFrame(
        [_add_files(cohort, one, services, settings["downsample"]) for one in chosen],
        columns=list(_COLUMNS),
    )
    used = cohort.slides["patient"].nunique()
    cohort.flow.kept("Sections used", patients=used, slides=len(chosen))
    cohort.rules.append(SECTION_RULE)
    cohort.blocks["palette"] = _PALETTE


def _add_files(
    cohort: Gathered, section: Section, services: Services, downsample: int
) -> tuple[str, ...]:
    """List a section's picture and annotation; returns its row of the sheet."""
    image = services.ivygap.image(section, downsample)
    annotation = services.ivygap.annotation(section, downsample)
    cohort.remotes += [image, annotation]
    mask = f"masks/{section.slide}.png"
    cohort.derived.append(
        {"make": "mask", "from": [annotation.path], "to": mask, "palette": _PALETTE}
    )
    cohort.flow.decisions.append(Decision("slide", section.slide, section.tumour, True, "chosen"))
    mpp = f"{section.mpp * 2**downsample:.6g}"
    return section.slide, section.tumour, image.path, mpp, "frozen", mask


def _middle(sections: Iterable[Section]) -> list[Section]:
    """The section in the middle of each sub-block."""
    blocks: dict[str, list[Section]] = {}
    for section in sections:
        blocks.setdefault(section.sub_block, []).append(section)
    return [own[(len(own) - 1) // 2] for own in blocks.values()]


def _sampled(table: Path, region: str) -> set[str]:
    """Tumours with a sample of a region in the anatomic RNA-seq study."""
    samples = pd.read_csv(table, dtype=str, keep_default_na=False)
    names = {"tumor_name", "structure_acronym", "structure_abbreviation"} & set(samples.columns)
    place = next((name for name in names if name != "tumor_name"), None)
    if "tumor_name" not in names or place is None:
        return set()
    own = samples[samples[place].str.startswith(f"{region}-reference")]
    return set(own["tumor_name"])
