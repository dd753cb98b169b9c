"""Draw the heat maps of a batch of slides, and write their tiles for QuPath."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide, each_slide, made_from, of_stage
    from histoniche.traits.trait_maps import draw_slide

    manifest, params, given = Path(snakemake.output.manifest), snakemake.params, snakemake.input
    slides, traits = params.slides, params.traits
    named = [trait for trait, entry in traits.items() if entry["method"] != "mil"]
    tiles = {
        trait: by_slide(of_stage(given.tiles, tiling), slides, "{slide}.zarr")
        for trait, tiling in params.tilings.items()
    }
    attended = {Path(path).parents[2].name: [path] for path in given.attention}
    found = {
        trait: by_slide(given.votes, slides, f"{{slide}}/{trait}.zarr")
        if trait in named
        else by_slide(attended[trait], slides, "{slide}.zarr")
        for trait in traits
    }
    thumbnails = by_slide(given.inspected, slides, "{slide}/thumbnail.png")
    heat_maps = by_slide([manifest], slides, "{slide}/heat_maps.png")
    geojson = {trait: by_slide([manifest], slides, f"{{slide}}/{trait}.geojson") for trait in named}
    shown = [made_from(given.votes), made_from(given.inspected), *map(made_from, attended.values())]
    sources = {slide: [traits, params.code, [own.get(slide) for own in shown]] for slide in slides}
    for slide in each_slide(
        manifest, sources, lambda slide: [own[slide] for own in (heat_maps, *geojson.values())]
    ):
        draw_slide(
            {trait: own[slide] for trait, own in tiles.items()},
            {trait: own[slide] for trait, own in found.items()},
            thumbnails[slide],
            heat_maps[slide],
            {trait: own[slide] for trait, own in geojson.items()},
            traits=traits,
        )
