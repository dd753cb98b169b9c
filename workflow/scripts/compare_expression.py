"""Test every gene in every comparison of two groups of patients."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.differential import compare_expression

    compare_expression(
        Path(snakemake.input.expression),
        Path(snakemake.input.libraries),
        Path(snakemake.input.groups),
        genes=Path(snakemake.input.genes),
        patients=Path(snakemake.input.patients),
        differential=Path(snakemake.output.differential),
        unit=snakemake.params.unit,
        covariates=snakemake.params.covariates,
        min_count=snakemake.params.min_count,
        workers=snakemake.threads,
    )
