"""Draw the heat maps of a slide."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.heat_maps import draw_trait_heat_maps

    traits = snakemake.params.traits
    draw_trait_heat_maps(
        folders_of(traits, snakemake.input.tiles),
        folders_of(traits, snakemake.input.found),
        Path(snakemake.input.thumbnail),
        Path(snakemake.output.heat_maps),
        traits=traits,
    )
