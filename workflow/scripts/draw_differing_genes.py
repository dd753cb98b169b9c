"""Draw single genes in both groups of each comparison."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.differing_genes import draw_differing_genes

    draw_differing_genes(
        Path(snakemake.input.expression),
        Path(snakemake.input.differential),
        Path(snakemake.input.groups),
        Path(snakemake.input.patients),
        covariates=snakemake.params.covariates,
        rule=snakemake.params.differing,
        top=snakemake.params.top,
        unit=snakemake.params.unit,
        figure=Path(snakemake.output.differing_genes),
    )
