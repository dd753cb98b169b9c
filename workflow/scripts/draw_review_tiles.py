"""Draw the surest right and wrong tiles of one trait."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.manifests import by_slide
    from histoniche.traits.review_cams import draw_review_tiles

    draw_review_tiles(
        Path(snakemake.input.table),
        by_slide(snakemake.input.tiles, snakemake.params.slides, "{slide}.zarr"),
        folders_of(snakemake.params.rounds, snakemake.input.models)
        if snakemake.params.grad_cam
        else {},
        Path(snakemake.output.picture),
        choice=Path(snakemake.input.choice),
        rounds=Path(snakemake.input.rounds),
        trait=snakemake.wildcards.trait,
        classes=snakemake.params.classes,
        threads=snakemake.threads,
    )
