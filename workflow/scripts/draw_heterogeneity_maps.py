"""Draw which traits stand where, on a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import sha256
    from histoniche.manifests import by_slide, each_slide, made_from
    from histoniche.traits.heterogeneity_map import map_heterogeneity

    manifest, params, given = Path(snakemake.output.manifest), snakemake.params, snakemake.input
    slides, votes, table = params.slides, [given.votes], Path(given.heterogeneity)
    cartographies = by_slide(votes, slides, "{slide}/cartography.zarr")
    tiles = by_slide(given.tiles, slides, "{slide}.zarr")
    thumbnails = by_slide(given.inspected, slides, "{slide}/thumbnail.png")
    outs = {
        name: by_slide([manifest], slides, f"{{slide}}/heterogeneity_{name}.png")
        for name in params.indices
    }
    shared = [params.indices, params.code, sha256(table)]
    voted, seen = made_from(votes), made_from(given.inspected)
    sources = {slide: [voted[slide], seen[slide], *shared] for slide in slides}
    for slide in each_slide(manifest, sources, lambda slide: [own[slide] for own in outs.values()]):
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
