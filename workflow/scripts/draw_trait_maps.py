"""Draw the heat maps of a slide, and write its tiles for QuPath."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.traits.trait_maps import draw_trait_maps

    from histoniche.files import folders_of

    traits, bags = snakemake.params.traits, snakemake.params.bags
    scores = zip(bags, map(Path, snakemake.input.scores), strict=True)
    draw_trait_maps(
        folders_of([*traits, *bags], snakemake.input.tiles),
        folders_of(traits, snakemake.input.votes),
        folders_of(bags, snakemake.input.attention),
        dict(scores),
        {Path(path).parent.name: Path(path) for path in snakemake.input.choices},
        Path(snakemake.input.thumbnail),
        heat_maps=Path(snakemake.output.heat_maps),
        geojson=dict(zip(traits, map(Path, snakemake.output.geojson), strict=True)),
        classes=snakemake.params.classes,
    )
