"""Draw which traits stand where on some slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.heterogeneity_map import map_heterogeneity

    slides, outs = snakemake.params.slides, map(Path, snakemake.output)
    cartographies = folders_of(slides, snakemake.input.cartographies)
    tiles = folders_of(slides, snakemake.input.tiles)
    thumbnails = dict(zip(slides, map(Path, snakemake.input.thumbnails), strict=True))
    for name, traits in snakemake.params.indices.items():
        for slide in slides:
            map_heterogeneity(
                cartographies[slide],
                tiles[slide],
                thumbnails[slide],
                Path(snakemake.input.heterogeneity),
                next(outs),
                score=name,
                traits=traits,
            )
