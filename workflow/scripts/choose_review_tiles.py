"""Choose the surest right and wrong tiles of one trait."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.traits.review_tiles import choose_review_tiles

    slides, trait = snakemake.params.slides, snakemake.wildcards.trait
    choose_review_tiles(
        by_slide(snakemake.input.tiles, slides, "{slide}.zarr"),
        by_slide(snakemake.input.votes, slides, f"{{slide}}/{trait}.zarr"),
        Path(snakemake.input.labels),
        Path(snakemake.output.table),
        rounds=Path(snakemake.input.rounds),
        trait=trait,
        classes=snakemake.params.classes,
        **snakemake.params.settings,
    )
