"""Divide the patients into training, validation and test."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.tables import write_recalled_split, write_split

    slides, out = snakemake.params.slides, Path(snakemake.output.table)
    if snakemake.input.get("models"):
        files = map(Path, snakemake.input.models)
        models = [[next(files) for _ in names] for names in snakemake.params.heads.values()]
        write_recalled_split((slide["patient"] for slide in slides), models, out)
    else:
        write_split(slides, out, **snakemake.params.settings)
