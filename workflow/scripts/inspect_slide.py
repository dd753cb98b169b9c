"""Inspect one slide."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.slides.inspection import Inspected, inspect_slide

    row = snakemake.params.slide
    inspect_slide(
        Path(snakemake.input.slide),
        Inspected(**{name: Path(path) for name, path in snakemake.output.items()}),
        slide=snakemake.wildcards.slide,
        mpp=row["mpp"],
        tissue_mask=next(map(Path, row["tissue_mask"]), None),
        settings=snakemake.params.settings,
    )
