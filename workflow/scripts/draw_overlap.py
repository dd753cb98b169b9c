"""Draw the overlap with reference signatures."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.overlap import draw_overlap

    palette = [Region(**entry) for entry in snakemake.params.palette]
    draw_overlap(
        Path(snakemake.input.overlap),
        Path(snakemake.input.intersections),
        palette,
        overlap_figure=Path(snakemake.output.overlap_references),
    )
