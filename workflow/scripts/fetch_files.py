"""Fetch files of a public cohort, and make what is made of them."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.sources.command import fetch_some

    folder, files = Path(snakemake.input.wanted).parent, snakemake.params.files
    fetch_some(folder, files, kilobytes_per_s=snakemake.resources.kilobytes_per_s)
