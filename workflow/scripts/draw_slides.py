"""Draw the areas of the regions."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.areas import draw_areas

    draw_areas(
        Path(snakemake.input.areas),
        [Region(**entry) for entry in snakemake.params.palette],
        measure=snakemake.params.measure,
        by_region=Path(snakemake.output.areas),
        composition=Path(snakemake.output.composition),
    )
