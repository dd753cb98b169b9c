"""Draw all slides in small."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.slides.contact_sheet import collect_contact_sheet

    collect_contact_sheet(
        Path(snakemake.input.quality),
        by_slide(snakemake.input.inspected, snakemake.params.slides, "{slide}/contour.png"),
        Path(snakemake.output[0]),
    )
