"""Draw the gene sets of the rankings."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.gsea import draw_gsea

    palette = [Region(**entry) for entry in snakemake.params.palette]
    draw_gsea(
        Path(snakemake.input.gsea),
        palette,
        top=snakemake.params.top,
        gsea_figure=Path(snakemake.output.gsea),
    )
