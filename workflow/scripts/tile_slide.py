"""Cut one slide into tiles."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.slides.tiling import tile_slide

    tile_slide(
        Path(snakemake.input.slide),
        Path(snakemake.input.report),
        Path(snakemake.input.tissue),
        Path(snakemake.input.artefacts),
        Path(snakemake.output.tiles).parent,
        slide=snakemake.wildcards.slide,
        annotation=next(map(Path, snakemake.input.annotation), None),
        palette=snakemake.params.palette,
        tiling=snakemake.params.tiling,
        verdict=snakemake.params.verdict,
        threads=snakemake.threads,
    )
