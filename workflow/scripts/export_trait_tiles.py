"""Write the tiles of a slide with their traits for QuPath."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.exports import export_tiles

    classes = snakemake.params.classes
    tiles = folders_of(classes, snakemake.input.tiles)
    votes = folders_of(classes, snakemake.input.votes)
    for trait, out in zip(classes, snakemake.output, strict=True):
        export_tiles(tiles[trait], votes[trait], Path(out), trait=trait, classes=classes[trait])
