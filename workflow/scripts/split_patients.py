"""Divide the patients into training, validation and test."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.tables import write_recalled_split, write_split

    slides, out = snakemake.params.slides, Path(snakemake.output.table)
    if models := snakemake.input.get("models"):
        write_recalled_split((slide["patient"] for slide in slides), list(map(Path, models)), out)
    else:
        write_split(slides, out, **snakemake.params.settings)
