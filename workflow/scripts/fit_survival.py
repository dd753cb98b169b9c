"""Compare survival by region area and fit Cox models."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.fitting import fit_survival

    fit_survival(
        Path(snakemake.input.patients),
        Path(snakemake.input.areas),
        groups=Path(snakemake.output.groups),
        curves=Path(snakemake.output.curves),
        cox=Path(snakemake.output.cox),
        declared=snakemake.params.declared,
        cohorts=Path(snakemake.input.cohorts),
        **snakemake.params.settings,
    )
