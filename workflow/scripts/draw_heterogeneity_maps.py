"""Draw which traits stand where, on a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import sha256
    from histoniche.manifests import Batch, made_from
    from histoniche.traits.heterogeneity_map import map_heterogeneity

    given, params = snakemake.input, snakemake.params
    batch, table = Batch(snakemake.output.manifest, params.slides), Path(given.heterogeneity)
    cartographies = batch.of([given.votes], "{slide}/cartography.zarr")
    tiles = batch.of(given.tiles, "{slide}.zarr")
    thumbnails = batch.of(given.inspected, "{slide}/thumbnail.png")
    outs = {name: batch.outs(f"{{slide}}/heterogeneity_{name}.png") for name in params.indices}
    for slide in batch.left(
        lambda slide: [own[slide] for own in outs.values()],
        *(made_from([given.votes]), made_from(given.inspected)),
        shared=[params.indices, sha256(table), params.code],
    ):
        for name, traits in params.indices.items():
            map_heterogeneity(
                cartographies[slide],
                tiles[slide],
                thumbnails[slide],
                table,
                outs[name][slide],
                score=name,
                traits=traits,
            )
