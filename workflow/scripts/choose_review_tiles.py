"""Choose the surest right and wrong tiles of one trait."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.review_tiles import choose_review_tiles

    slides = snakemake.params.slides
    choose_review_tiles(
        folders_of(slides, snakemake.input.tiles),
        folders_of(slides, snakemake.input.votes),
        Path(snakemake.input.labels),
        Path(snakemake.output.table),
        rounds=Path(snakemake.input.rounds),
        trait=snakemake.wildcards.trait,
        classes=snakemake.params.classes,
        **snakemake.params.settings,
    )
