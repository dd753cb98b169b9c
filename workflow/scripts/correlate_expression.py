"""Correlate every gene with every region's area and with survival."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.correlation import correlate_expression

    correlate_expression(
        Path(snakemake.input.expression),
        Path(snakemake.input.genes),
        Path(snakemake.input.areas),
        Path(snakemake.input.patients),
        correlation=Path(snakemake.output.correlation),
        gene_survival=Path(snakemake.output.gene_survival),
        scores=Path(snakemake.input.scores) if snakemake.input.scores else None,
        **snakemake.params.settings,
    )
