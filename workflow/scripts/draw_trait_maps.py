"""Draw the heat maps of a batch of slides, and write their tiles for QuPath."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import Batch, made_from, of_stage
    from histoniche.traits.trait_maps import draw_slide

    given, params = snakemake.input, snakemake.params
    batch, traits = Batch(snakemake.output.manifest, params.slides), params.traits
    named = [trait for trait, entry in traits.items() if entry["method"] != "mil"]
    tiles = {
        trait: batch.of(of_stage(given.tiles, tiling), "{slide}.zarr")
        for trait, tiling in params.tilings.items()
    }
    attended = {Path(path).parents[2].name: [path] for path in given.attention}
    found = {trait: batch.of(given.votes, f"{{slide}}/{trait}.zarr") for trait in named}
    found |= {trait: batch.of(own, "{slide}.zarr") for trait, own in attended.items()}
    thumbnails = batch.of(given.inspected, "{slide}/thumbnail.png")
    heat_maps = batch.outs("{slide}/heat_maps.png")
    geojson = {trait: batch.outs(f"{{slide}}/{trait}.geojson") for trait in named}
    # Without traits of tiles nothing votes, and attention is paid to slides alone whose patients
    # were told apart.
    sources = [given.votes, given.inspected, *attended.values()]
    for slide in batch.left(
        lambda slide: [own[slide] for own in (heat_maps, *geojson.values())],
        *(dict.fromkeys(params.slides) | made_from(own) for own in sources),
        shared=[traits, params.code],
    ):
        draw_slide(
            {trait: own[slide] for trait, own in tiles.items()},
            {trait: found[trait][slide] for trait in traits},
            thumbnails[slide],
            heat_maps[slide],
            {trait: own[slide] for trait, own in geojson.items()},
            traits=traits,
        )
