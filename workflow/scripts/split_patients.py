"""Divide the patients into training, validation and test."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.tables import write_split

    write_split(snakemake.params.slides, Path(snakemake.output.table), **snakemake.params.settings)
