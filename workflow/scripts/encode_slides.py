"""Describe the tiles of a batch of slides by a published encoder."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.features import encode_slides

    encode_slides(
        folders_of(snakemake.params.slides, snakemake.input.tiles),
        folders_of(snakemake.params.slides, snakemake.output),
        settings=snakemake.params.settings,
        encoder_weights=next(map(Path, snakemake.input.encoder_weights), None),
        threads=snakemake.threads,
    )
