"""Find the traits on the tiles of a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import sha256
    from histoniche.manifests import Batch, made_from
    from histoniche.traits.application import classify_slides

    params, tiles = snakemake.params, snakemake.input.tiles
    batch = Batch(snakemake.output.manifest, params.slides)
    networks = [f"{trait}/{number}" for trait, own in params.rounds.items() for number in own]
    files = dict(zip(networks, map(Path, snakemake.input.models), strict=True))
    outs = {
        slide: {name: folder / f"{name}.zarr" for name in networks}
        for slide, folder in batch.outs("{slide}").items()
    }
    classify_slides(
        batch.of(tiles, "{slide}.zarr"),
        outs,
        {name: file.parent for name, file in files.items()},
        threads=snakemake.threads,
        slides=batch.left(
            lambda slide: [store / "zarr.json" for store in outs[slide].values()],
            made_from(tiles),
            shared=[{name: sha256(file) for name, file in files.items()}, params.code],
        ),
    )
