"""Compare survival between the levels of covariates."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.covariate_groups import compare_covariates

    compare_covariates(
        Path(snakemake.input.patients),
        Path(snakemake.input.cohorts),
        groups=Path(snakemake.output.groups),
        curves=Path(snakemake.output.curves),
        pairs=Path(snakemake.output.pairs),
        trends=Path(snakemake.output.trends),
        **snakemake.params.settings,
    )
