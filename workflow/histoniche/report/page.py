"""The summary page: one HTML file that needs nothing else."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from histoniche import __version__
from histoniche.cohort.palette import Region
from histoniche.files import write_text
from histoniche.report.blocks import Block, Findings, Paragraph, Section, Tile, Tiles
from histoniche.report.budget import MOST_BYTES, lighter, linked_pictures
from histoniche.report.cautions import careful_section
from histoniche.report.evaluation import ROLE_NAMES, best_role
from histoniche.report.findings import findings
from histoniche.report.numbers import format_interval
from histoniche.report.page_script import page_script, script_source
from histoniche.report.results import Results
from histoniche.report.risk_findings import risk_tiles
from histoniche.report.sections.activity import activity_section
from histoniche.report.sections.areas import areas_section
from histoniche.report.sections.cells import crosstalk_section, single_cells_section
from histoniche.report.sections.clinical_use import clinical_section
from histoniche.report.sections.cohort import cohort_section
from histoniche.report.sections.comparisons import comparisons_section
from histoniche.report.sections.gene_survival import gene_survival_section
from histoniche.report.sections.meaning import (
    cell_types_section,
    network_section,
    rankings_section,
    references_section,
)
from histoniche.report.sections.methods import methods_section
from histoniche.report.sections.omics import enrichment_section, signatures_section
from histoniche.report.sections.pathways import pathways_section
from histoniche.report.sections.risk_signatures import risk_signatures_section
from histoniche.report.sections.segmentation import segmentation_section
from histoniche.report.sections.slides import maps_section, slides_section
from histoniche.report.sections.survival import survival_section
from histoniche.report.sections.survival_groups import survival_groups_section
from histoniche.report.sections.survival_models import survival_models_section
from histoniche.report.sections.traits import traits_section
from histoniche.report.sections.words import words_section
from histoniche.report.sorting import sort_value
from histoniche.report.trait_findings import told
from histoniche.wording import count

TEMPLATES = Path(__file__).parent / "templates"

# Some old DOIs hold angle brackets, which are escaped by then.
_DOI = re.compile(r"\bdoi:(10\.\d{4,9}/(?:[A-Za-z0-9._;()/:-]|&[lg]t;)*[A-Za-z0-9)])")

_SECTIONS = (
    cohort_section,
    slides_section,
    maps_section,
    segmentation_section,
    areas_section,
    traits_section,
    risk_signatures_section,
    signatures_section,
    enrichment_section,
    network_section,
    rankings_section,
    cell_types_section,
    references_section,
    single_cells_section,
    crosstalk_section,
    activity_section,
    comparisons_section,
    survival_section,
    survival_groups_section,
    gene_survival_section,
    survival_models_section,
    clinical_section,
    pathways_section,
)


def write_summary(
    out: Path,
    *,
    results: Mapping[str, Path | Sequence[Path]],
    settings: Mapping[str, Any],
    palette: Sequence[Region],
) -> None:
    """Write the summary page of a run.

    Parameters
    ----------
    out
        Where the page goes.
    results
        What the run left behind, by name; names as in `histoniche.report.results`.
        `patients` must be there; anything else that is absent is named among the methods.
    settings
        The blocks of the configuration with their defaults.
    palette
        Regions with names and colours, background first.
    """
    run = Results(results, settings, palette)
    built = [build(run) for build in _SECTIONS]
    absent = [section for section in built if section.missing]
    sections = [
        _glance(run),
        *filter(None, [careful_section(run)]),
        *(section for section in built if not section.missing),
        words_section(run),
        methods_section(run, absent),
    ]
    study = run.block("study")
    page = render(sections, study=study)
    excess = len(page.encode("utf-8")) - MOST_BYTES
    if excess > 0:
        page = render(lighter(sections, excess), study=study)
    write_text(page, out)


def render(sections: Sequence[Section], *, study: Mapping[str, Any]) -> str:
    """Render sections as a page; every text is escaped."""
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["coded"] = coded
    environment.filters["sorts"] = sorts
    template = environment.get_template("summary.html.j2")
    script = page_script()
    beside = linked_pictures(sections)
    return template.render(
        title=study.get("title", "HistoNiche study"),
        description=study.get("description", ""),
        authors=list(study.get("authors", [])),
        license=study.get("license", ""),
        version=__version__,
        sections=sections,
        titles={section.name: section.title for section in sections},
        script=Markup(script),
        # Nothing else can run, whatever stands in a name.
        digest=script_source(script),
        beside=count(beside, "picture") if beside else "",
    )


def sorts(text: str) -> Markup:
    """Attribute by which a cell of numbers sorts, where its text alone would not do."""
    value = sort_value(text)
    return Markup("") if value == text else Markup(' data-value="{}"').format(value)


def coded(text: str) -> Markup:
    """Escape a text, set `code` as such, make DOIs links, keep numbers on one line."""
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    safe = _DOI.sub(_doi_link, safe)
    return Markup(re.sub(r"(\d\.\de-\d+)", r'<span class="number">\1</span>', safe))


def _doi_link(found: re.Match[str]) -> str:
    """A DOI, escaped, as a link."""
    address = found[1].replace("&lt;", "%3C").replace("&gt;", "%3E")
    return f'<a href="https://doi.org/{address}">doi:{found[1]}</a>'


def _glance(results: Results) -> Section:
    """The numbers and sentences that a reader in a hurry needs."""
    blocks: list[Block] = [Tiles(_tiles(results))]
    found = findings(results)
    if found:
        blocks.append(Findings(found))
        blocks.append(
            Paragraph(
                "q: p after Benjamini-Hochberg correction. Only findings with q < 0.05 are given "
                "as such. What the numbers mean stands before the methods.",
                "muted",
            )
        )
    return Section("glance", "At a glance", blocks)


def _tiles(results: Results) -> list[Tile]:
    """Sizes and accuracy."""
    patients = results.table("patients")
    known = patients["time_days"].notna()
    deaths = int(patients.loc[known, "event"].sum())
    note = f"{int(known.sum()):,} with survival, {count(deaths, 'death')}" if known.any() else ""
    tiles = [Tile(f"{len(patients):,}", "patients", note)]
    if results.has("quality"):
        status = results.table("quality")["status"]
        left_out = (
            f"{(status == 'skipped').sum():,} skipped, {(status == 'excluded').sum():,} excluded"
        )
        tiles.append(Tile(f"{(status == 'ok').sum():,}", "slides used", left_out))
    if results.has("metrics"):
        tiles.append(_accuracy(results))
    traits = told(results)
    if len(traits):
        held = f"{int(traits['holds'].sum()):,} of {len(traits):,}"
        tiles.append(Tile(held, "traits told", "AUROC of test patients, q < 0.05"))
    tiles += risk_tiles(results)
    if results.has("sizes") and len(results.table("sizes")):
        tested = int(results.table("sizes")["tested"].max())
        sheet = results.table("correlation")
        tiles.append(
            Tile(f"{tested:,}", "genes tested", f"up to {int(sheet['n'].max()):,} patients")
        )
    if results.has("cox"):
        cox = results.table("cox")
        areas = cox[(cox["model"] == "univariable") & (cox["kind"] == "area")]
        held = f"{(areas['q'] < 0.05).sum():,} of {len(areas):,}"
        tiles.append(Tile(held, "regions linked to survival", "Cox model, q < 0.05"))
    return tiles


def _accuracy(results: Results) -> Tile:
    """Mean overlap on held-out patients."""
    metrics = results.table("metrics")
    role = best_role(metrics)
    mean = (
        metrics[(metrics["role"] == role) & (metrics["region"] == "mean")] if role else metrics[:0]
    )
    if role is None or mean.empty:
        return Tile("–", "mean IoU", "nobody was held out")
    row = mean.iloc[0]
    value, _, interval = format_interval(row["iou"], row["iou_low"], row["iou_high"]).partition(" ")
    people = count(int(row["patients"]), ROLE_NAMES[role])
    return Tile(value, "mean IoU", f"{interval}, {people}" if interval else people)
