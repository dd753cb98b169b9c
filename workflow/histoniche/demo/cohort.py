"""The demo cohort: slides, molecular and clinical tables whose truth is planted."""

import gzip
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.demo.cells import SEQUENCED, draw_cells, draw_pairs
from histoniche.demo.clinical import describe_hazard, draw_patients
from histoniche.demo.design import REGIONS, Design, draw_design
from histoniche.demo.external import COHORTS, draw_external
from histoniche.demo.layout import MPP, draw_layout, draw_size
from histoniche.demo.molecular import (
    draw_expression,
    draw_gene_sets,
    draw_markers,
    draw_mutations,
    draw_references,
    draw_shown_gene,
    name_genes,
)
from histoniche.demo.scans import describe_scans, write_scans
from histoniche.demo.slides import (
    remove_resolution,
    write_broken_slide,
    write_mask,
    write_slide,
)
from histoniche.demo.textures import SITES, draw_stain, render_section
from histoniche.demo.traits import (
    TRAIT_GENE,
    Patches,
    describe_traits,
    draw_patches,
    draw_traits,
    measure_patches,
)
from histoniche.files import whole_folder, write_json, write_text
from histoniche.randomness import generator

_log = logging.getLogger(__name__)

_ANNOTATED = 0.45
_FEWEST_ANNOTATED = 3
# One patient in so many has a second section.
_PER_SECOND_SECTION = 10
# Sections of a tumour differ by this much in the log of a region's area.
_SECTION_LOG_SD = 0.12
_MM2_PER_PIXEL = (MPP / 1000) ** 2


class _Section(NamedTuple):
    """One row of the sheet of slides, and what is particular about its file."""

    slide: str
    patient: str
    annotated: bool
    broken: bool
    has_resolution: bool
    site: str
    section_type: str

    @property
    def path(self) -> str:
        """The slide's file, from the cohort's folder."""
        return f"slides/{self.slide}.tif"

    @property
    def annotation(self) -> str:
        """The mask's file, from the cohort's folder; empty if there is none."""
        return f"masks/{self.slide}.png" if self.annotated else ""


def write_demo_cohort(folder: Path, *, patients: int = 40, seed: int = 7) -> None:
    """Write the demo cohort.

    Regions, the genes of each region, one region that shortens survival, one gene set a region,
    the single cells that express a region's genes, some ligand-receptor pairs, and two traits
    that show in parts of the sections are planted and written down under `truth`; everything
    else is independent. Areas, age, fate and traits are balanced against each other (see
    `draw_design` and `draw_traits`), so that at any seed what is not planted stays close to no
    association. The same seed gives the same files, byte for byte.

    Parameters
    ----------
    folder
        Takes `slides.tsv`, `patients.tsv`, `scans.tsv`, `counts.tsv.gz`, `mutations.maf`,
        `gene_sets.gmt`, `references.gmt`, `markers.tsv`, `cells.tsv.gz`, `cell_labels.tsv`,
        `ligand_receptor.tsv`, and the folders `slides`, `masks`, `scans`, `external` and `truth`.
        Paths in `slides.tsv` and `scans.tsv` start from it. What it held before is replaced.
    patients
        Number of patients, at least 4. About 45 % of them have annotated slides, one in ten
        has a second section, one has a second file that is broken, and one slide does not
        know its resolution.
    seed
        Every random step derives its own generator from it.
    """
    if patients < 4:
        raise ValueError(f"the demo cohort needs at least 4 patients, not {patients}")
    names = [f"P{number:03d}" for number in range(1, patients + 1)]
    design = draw_design(names, seed=seed)
    traits = draw_traits(design, seed=seed)
    sections = _plan_sections(names, generator(seed, "sections"))
    with whole_folder(folder) as work:
        for part in ("slides", "masks", "truth"):
            (work / part).mkdir()
        _write_sheet_of_slides(sections, work)
        pixels = _write_sections(sections, design, traits, work, seed=seed)
        areas = _write_areas(pixels, work)
        sheet = draw_patients(design, areas, generator(seed, "patients"))
        _write_tsv(sheet.join(traits[["egfr", "coin"]], on="patient"), work / "patients.tsv")
        write_json(describe_hazard(), work / "truth" / "hazard.json")
        write_json(describe_traits(), work / "truth" / "traits.json")
        _write_molecular(areas, traits["level"], work, seed=seed)
        write_scans(design, areas, work, seed=seed)
        write_json(describe_scans(), work / "truth" / "scans.json")


def write_counts(counts: pd.DataFrame, path: Path) -> None:
    """Write counts, or other numbers, genes by patients, as gzipped TSV without a time stamp."""
    text = counts.to_csv(sep="\t", lineterminator="\n")
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def write_maf(variants: pd.DataFrame, path: Path) -> None:
    """Write variants as a MAF file, whose first line is its version."""
    write_text("#version 2.4\n" + variants.to_csv(sep="\t", index=False, lineterminator="\n"), path)


def _write_tsv(table: pd.DataFrame, path: Path) -> None:
    """Write a sheet; empty cells stay empty."""
    write_text(table.to_csv(sep="\t", index=False, lineterminator="\n"), path)


def _plan_sections(patients: list[str], random: np.random.Generator) -> list[_Section]:
    """Decide on the sections of each patient."""
    order = [str(name) for name in random.permutation(patients)]
    annotated = max(_FEWEST_ANNOTATED, round(_ANNOTATED * len(order)))
    seconds = max(1, round(len(order) / _PER_SECOND_SECTION))
    # Half of the second sections are annotated.
    first = annotated - seconds // 2
    with_second = order[first : first + seconds]
    without_resolution, with_broken = order[-2:]
    sections = []
    for patient in patients:
        site = str(random.choice(list(SITES)))
        kinds = random.choice(["FFPE", "frozen"], size=2, p=[0.75, 0.25])
        for number, kind in enumerate(kinds, start=1):
            broken = number == 2 and patient == with_broken
            if number == 2 and not broken and patient not in with_second:
                continue
            sections.append(
                _Section(
                    slide=f"{patient}-{number}",
                    patient=patient,
                    annotated=patient in order[:annotated] and not broken,
                    broken=broken,
                    has_resolution=number == 2 or patient != without_resolution,
                    site=site,
                    section_type=str(kind),
                )
            )
    return sections


def _write_sheet_of_slides(sections: list[_Section], folder: Path) -> None:
    """Write `slides.tsv`; mpp is empty where the file knows it."""
    rows = [
        {
            "slide": section.slide,
            "patient": section.patient,
            "path": section.path,
            "mpp": "" if section.has_resolution else f"{MPP:g}",
            "annotation": section.annotation,
            "site": section.site,
            "section_type": section.section_type,
        }
        for section in sections
    ]
    _write_tsv(pd.DataFrame(rows), folder / "slides.tsv")


def _write_sections(
    sections: list[_Section], design: Design, traits: pd.DataFrame, folder: Path, *, seed: int
) -> pd.DataFrame:
    """Write every slide and mask, and `truth/traits.tsv`; return the regions' pixels, long."""
    tables, shown = [], []
    for number, section in enumerate(sections, start=1):
        _log.info("Drawing slide %s (%d of %d)", section.slide, number, len(sections))
        random = generator(seed, "slide", section.slide)
        if section.broken:
            write_broken_slide(folder / section.path, random)
            continue
        areas = design.areas.loc[[section.patient]].to_numpy()[0]
        labels = _draw_section(areas, random)
        own = traits.loc[[section.patient]].iloc[0]
        patches = draw_patches(labels, own, random.spawn(1)[0])
        _write_section(section, labels, patches, folder, random)
        facts = {"slide": section.slide, "patient": section.patient}
        measured = measure_patches(labels, patches)
        shown.append({**facts, **own[["egfr", "level"]], **measured})
        pixels = np.bincount(labels.ravel(), minlength=len(REGIONS) + 1)[1:]
        tables.append(pd.DataFrame({**facts, "region": list(REGIONS), "pixels": pixels}))
    _write_tsv(pd.DataFrame(shown).round(6), folder / "truth" / "traits.tsv")
    return pd.concat(tables, ignore_index=True)


def _draw_section(areas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw the label map of one section."""
    areas = areas * np.exp(_SECTION_LOG_SD * random.standard_normal(len(areas)))
    size = draw_size(float(areas.sum()), random)
    return draw_layout(dict(zip(REGIONS, areas, strict=True)), size=size, random=random)


def _write_section(
    section: _Section,
    labels: np.ndarray,
    patches: Patches,
    folder: Path,
    random: np.random.Generator,
) -> None:
    """Write the slide of one section, and its mask if it has one."""
    stain = draw_stain(section.site, random)
    picture = render_section(labels, stain=stain, random=random, patches=patches)
    write_slide(picture, folder / section.path)
    if not section.has_resolution:
        remove_resolution(folder / section.path)
    if section.annotated:
        palette = read_palette(find_palette("ivygap"))
        write_mask(labels, palette, folder / section.annotation)


def _write_areas(pixels: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Write `truth/slide_areas.tsv`; return patients by regions, the mean mm² of the sections."""
    tissue = pixels.groupby("slide")["pixels"].transform("sum")
    table = pixels.assign(
        area_mm2=(pixels["pixels"] * _MM2_PER_PIXEL).round(6),
        tissue_share=(pixels["pixels"] / tissue).round(6),
    )
    _write_tsv(table, folder / "truth" / "slide_areas.tsv")
    return table.pivot_table(index="patient", columns="region", values="area_mm2")[list(REGIONS)]


def _write_molecular(
    areas: pd.DataFrame, level: "pd.Series[float]", folder: Path, *, seed: int
) -> None:
    """Write expression, mutations, gene sets, markers and references, and the truth about them."""
    genes = name_genes(generator(seed, "genes"))
    _write_tsv(genes.reset_index(), folder / "truth" / "genes.tsv")
    _write_external(genes, folder, seed=seed)
    counts = draw_expression(genes, areas, generator(seed, "expression"))
    counts.loc[TRAIT_GENE] = draw_shown_gene(counts, level, generator(seed, "shown gene"))
    write_counts(counts, folder / "counts.tsv.gz")
    variants = draw_mutations(list(areas.index), generator(seed, "mutations"))
    write_maf(variants, folder / "mutations.maf")
    terms, truth = draw_gene_sets(genes, generator(seed, "gene sets"))
    _write_gmt(terms, folder / "gene_sets.gmt")
    references = draw_references(genes, generator(seed, "references"))
    _write_gmt(references, folder / "references.gmt")
    markers = draw_markers(genes, generator(seed, "markers"))
    _write_tsv(markers.drop(columns="region"), folder / "markers.tsv")
    types = markers[["cell_type", "region"]].drop_duplicates()
    _write_tsv(types, folder / "truth" / "cell_types.tsv")
    regions = pd.DataFrame({"term": list(truth), "region": list(truth.values())})
    _write_tsv(regions, folder / "truth" / "gene_sets.tsv")
    _write_cells(genes, list(areas.index)[:SEQUENCED], folder, seed=seed)


def _write_cells(genes: "pd.Series[str]", patients: list[str], folder: Path, *, seed: int) -> None:
    """Write single cells with their labels, ligand-receptor pairs, and the truth about both."""
    pairs = draw_pairs(patients)
    _write_tsv(pairs[["ligand", "receptor"]], folder / "ligand_receptor.tsv")
    _write_tsv(pairs, folder / "truth" / "interactions.tsv")
    counts, cells = draw_cells(genes, pairs, patients, generator(seed, "cells"))
    write_counts(counts, folder / "cells.tsv.gz")
    _write_tsv(cells.drop(columns="quality"), folder / "cell_labels.tsv")
    _write_tsv(cells, folder / "truth" / "cells.tsv")


def _write_external(genes: "pd.Series[str]", folder: Path, *, seed: int) -> None:
    """Write the expression and follow-up of cohorts from elsewhere."""
    for name in COHORTS:
        place = folder / "external" / name
        place.mkdir(parents=True)
        values, followed = draw_external(genes, name, generator(seed, "external", name))
        write_counts(values, place / "expression.tsv.gz")
        _write_tsv(followed, place / "patients.tsv")


def _write_gmt(sets: dict[str, list[str]], path: Path) -> None:
    """Write gene sets as GMT."""
    lines = ["\t".join([name, "planted by the demo", *genes]) for name, genes in sets.items()]
    write_text("\n".join(lines) + "\n", path)
