"""Fetch the published weights of one encoder."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.learning.fetching import fetch_weights

    fetch_weights(
        snakemake.params.encoder,
        Path(snakemake.output.weights),
        Path(snakemake.output.description),
    )
