"""Draw survival between the levels of covariates."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.survival_groups import draw_covariate_groups

    draw_covariate_groups(
        Path(snakemake.input.groups),
        Path(snakemake.input.curves),
        covariate_groups=Path(snakemake.output.covariate_groups),
    )
