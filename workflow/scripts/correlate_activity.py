"""Correlate the activities of gene sets with scores of the patients."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.activity_correlation import correlate_activity

    correlate_activity(
        Path(snakemake.input.activity),
        Path(snakemake.input.scores),
        correlation=Path(snakemake.output.correlation),
    )
