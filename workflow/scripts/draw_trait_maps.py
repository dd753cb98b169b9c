"""Draw the heat maps of some slides, and write their tiles for QuPath."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_by
    from histoniche.traits.trait_maps import draw_slides

    slides, traits = snakemake.params.slides, snakemake.params.traits
    names = (list(traits), slides)
    draw_slides(
        folders_by(names, snakemake.input.tiles),
        folders_by(names, snakemake.input.found),
        dict(zip(slides, map(Path, snakemake.input.thumbnails), strict=True)),
        dict(zip(slides, map(Path, snakemake.output.heat_maps), strict=True)),
        list(map(Path, snakemake.output.geojson)),
        traits=traits,
    )
