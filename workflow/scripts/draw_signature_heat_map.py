"""Draw the signatures' leading genes in every patient."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.heat_map import draw_heat_map

    draw_heat_map(
        Path(snakemake.input.expression),
        Path(snakemake.input.signatures),
        Path(snakemake.input.areas),
        [Region(**entry) for entry in snakemake.params.palette],
        top=snakemake.params.top,
        heat_map_figure=Path(snakemake.output.signature_heat_map),
    )
