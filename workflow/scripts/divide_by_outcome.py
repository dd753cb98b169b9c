"""Divide the patients with follow-up for the training of a risk."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.outcome_splits import write_outcome_split

    write_outcome_split(
        snakemake.params.patients,
        Path(snakemake.output.split),
        own=snakemake.params.own,
        folds=snakemake.params.folds,
        seed=snakemake.params.seed,
    )
