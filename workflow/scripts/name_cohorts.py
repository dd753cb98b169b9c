"""Name the cohorts of a study of survival and set them beside each other."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.cohort_tables import name_cohorts

    name_cohorts(
        Path(snakemake.input.patients),
        Path(snakemake.input.split) if snakemake.input.split else None,
        source=snakemake.params.source,
        declared=snakemake.params.declared,
        confidence=snakemake.params.confidence,
        seed=snakemake.params.seed,
        cohorts=Path(snakemake.output.cohorts),
        balance=Path(snakemake.output.balance),
        follow_up=Path(snakemake.output.follow_up),
    )
