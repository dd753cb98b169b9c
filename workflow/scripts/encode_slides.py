"""Describe the tiles of a batch of slides by a frozen encoder."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import fingerprint
    from histoniche.manifests import Batch, made_from
    from histoniche.traits.features import encode_slides

    params, tiles = snakemake.params, snakemake.input.tiles
    batch = Batch(snakemake.output.manifest, params.slides)
    weights = next(map(Path, snakemake.input.encoder_weights), None)
    outs = batch.outs("{slide}.zarr")
    encode_slides(
        batch.of(tiles, "{slide}.zarr"),
        outs,
        settings=params.settings,
        encoder_weights=weights,
        threads=snakemake.threads,
        slides=batch.left(
            lambda slide: [outs[slide] / "zarr.json"],
            made_from(tiles),
            shared=[params.settings, weights and fingerprint(weights), params.code],
        ),
    )
