"""Compare survival by limits that are stated in advance."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.stated_groups import compare_stated

    compare_stated(
        Path(snakemake.input.patients),
        Path(snakemake.input.scores),
        Path(snakemake.input.cohorts),
        groups=Path(snakemake.output.groups),
        curves=Path(snakemake.output.curves),
        **snakemake.params.settings,
    )
