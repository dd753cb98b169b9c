"""Count the slides, and stop the run if too many cannot be used."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.slides.quality_table import check_slides

    check_slides(
        Path(snakemake.input.quality),
        Path(snakemake.output.table),
        on_bad_slide=snakemake.params.on_bad_slide,
    )
