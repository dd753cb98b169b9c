"""HistoNiche: maps of tumour regions, the genes of each region, and their link to survival."""

from snakemake.utils import min_version

min_version("9.14")


# A configuration that is named on the command line stands alone.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


pathvars:
    results=config["results"],
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",


include: "workflow/rules/cohort.smk"
include: "workflow/rules/slides.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/segmentation.smk"
include: "workflow/rules/tuning.smk"
include: "workflow/rules/regions.smk"
include: "workflow/rules/imaging.smk"
include: "workflow/rules/omics.smk"
include: "workflow/rules/signature_meaning.smk"
include: "workflow/rules/comparisons.smk"
include: "workflow/rules/activity.smk"
include: "workflow/rules/single_cell.smk"
include: "workflow/rules/traits.smk"
include: "workflow/rules/trait_bags.smk"
include: "workflow/rules/slide_signature.smk"
include: "workflow/rules/trait_maps.smk"
include: "workflow/rules/survival.smk"
include: "workflow/rules/survival_groups.smk"
include: "workflow/rules/pathways.smk"
include: "workflow/rules/survival_models.smk"
include: "workflow/rules/clinical_use.smk"
include: "workflow/rules/trait_figures.smk"
include: "workflow/rules/imaging_figures.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


# All that works slide by slide.
STAGES = [
    *(INSPECTED, *TILED.values(), SEGMENTED, MAPPED),
    *(*PREDICTED.values(), *ENCODED.values(), *ATTENDED.values()),
    *(VOTED, DRAWN, MIXED),
    *(SCANNED, ACTIVATED),
]


rule all:
    default_target: True
    input:
        # What a pathologist is to accept first, the rest of the run waits for.
        (
            ["<results>/review/review.html", "<results>/slides/contact_sheet.png"]
            if study.awaited
            else ["<results>/summary.html", BUNDLE]
        ),
        [path for stage in TILED.values() for path in stage.manifests()],
        force_lost,


# What networks find on slides, without what compares patients, report and bundle.
rule apply_models:
    input:
        "<results>/cohort/patients.parquet",
        ["<results>/slides/quality.parquet"] if HAS_SLIDES else [],
        ["<results>/areas/patients.parquet"] if has("segmentation") else [],
        ["<results>/slide_signature/scores.parquet"] if has("slide_signature") else [],
        [path for stage in (MAPPED, VOTED, DRAWN, MIXED) for path in stage.manifests()],


# At the start, for a run with nothing left to do, and at the end of what could be done.
if study.awaited and workflow.is_main_process:
    logger.warning(waiting())


onsuccess:
    if study.awaited:
        logger.warning(waiting())
