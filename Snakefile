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
include: "workflow/rules/segmentation.smk"
include: "workflow/rules/regions.smk"
include: "workflow/rules/omics.smk"
include: "workflow/rules/survival.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        "<results>/summary.html",
        BUNDLE,
        expand(
            "<results>/tiles/{tiling}/{slide}.zarr/zarr.json",
            tiling=block("tilings"),
            slide=USED_SLIDES,
        ),
