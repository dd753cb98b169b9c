"""Fetch the expression of a public cohort."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.sources.command import fetch_some
    from histoniche.files import write_json

    folder, files = Path(snakemake.input.wanted).parent, snakemake.params.files
    fetch_some(folder, files, kilobytes_per_s=snakemake.resources.kilobytes_per_s)
    write_json({"files": files}, Path(snakemake.output.record))
