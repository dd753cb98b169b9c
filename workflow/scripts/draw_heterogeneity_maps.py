"""Draw which traits stand where on a slide."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.traits.heterogeneity_map import map_heterogeneity

    for (name, traits), out in zip(snakemake.params.indices.items(), snakemake.output, strict=True):
        map_heterogeneity(
            Path(snakemake.input.cartography).parent,
            Path(snakemake.input.tiles[0]).parent,
            Path(snakemake.input.thumbnail),
            Path(snakemake.input.heterogeneity),
            Path(out),
            score=name,
            traits=traits,
        )
