"""Draw the cell types of the signatures."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.cell_types import draw_cell_types

    palette = [Region(**entry) for entry in snakemake.params.palette]
    draw_cell_types(
        Path(snakemake.input.cell_types),
        palette,
        top=snakemake.params.top,
        cell_types_figure=Path(snakemake.output.cell_types),
    )
