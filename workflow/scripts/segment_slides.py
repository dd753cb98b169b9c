"""Find the regions of a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import sha256
    from histoniche.manifests import Batch, made_from
    from histoniche.regions.application import segment_slides

    params, tiles = snakemake.params, snakemake.input.tiles
    batch, files = Batch(snakemake.output.manifest, params.patients), snakemake.input.models
    outs, models = batch.outs("{slide}.zarr"), iter(Path(file).parent for file in files)
    settings = [params.heads, params.palette, params.settings, params.code]
    segment_slides(
        batch.of(tiles, "{slide}.zarr"),
        outs,
        {head: [next(models) for _ in names] for head, names in params.heads.items()},
        patients=params.patients,
        palette=params.palette,
        settings=params.settings,
        threads=snakemake.threads,
        slides=batch.left(
            lambda slide: [outs[slide] / "zarr.json"],
            *(made_from(tiles), params.patients),
            shared=[settings, [sha256(Path(file)) for file in files]],
        ),
    )
