"""Describe the tiles of a batch of slides by a frozen encoder."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import fingerprint
    from histoniche.manifests import by_slide, each_slide, made_from
    from histoniche.traits.features import encode_slides

    manifest, params = Path(snakemake.output.manifest), snakemake.params
    slides, tiles = params.slides, snakemake.input.tiles
    weights = next(map(Path, snakemake.input.encoder_weights), None)
    shared = [params.settings, weights and fingerprint(weights), params.code]
    cut = made_from(tiles)
    outs = by_slide([manifest], slides, "{slide}.zarr")
    encode_slides(
        by_slide(tiles, slides, "{slide}.zarr"),
        outs,
        settings=params.settings,
        encoder_weights=weights,
        threads=snakemake.threads,
        slides=each_slide(
            manifest,
            {slide: [cut[slide], *shared] for slide in slides},
            lambda slide: [outs[slide] / "zarr.json"],
        ),
    )
