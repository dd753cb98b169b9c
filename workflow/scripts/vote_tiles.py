"""Let the networks of every trait vote on the tiles of a slide, and lay its cartography."""

from itertools import islice
from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.votes import vote_tiles

    traits, rounds = snakemake.params.traits, snakemake.params.rounds
    found = iter(snakemake.input.predictions)
    mapped = snakemake.params.mapped
    vote_tiles(
        folders_of(traits, snakemake.input.tiles),
        {trait: folders_of(rounds[trait], islice(found, len(rounds[trait]))) for trait in traits},
        folders_of(traits, snakemake.output.votes),
        patient=snakemake.params.patient,
        choices=dict(zip(traits, map(Path, snakemake.input.choices), strict=True)),
        rounds=Path(snakemake.input.rounds) if snakemake.input.rounds else None,
        classes=snakemake.params.classes,
        rule=snakemake.params.rule,
        tilings=snakemake.params.tilings,
        cartography=Path(snakemake.output.cartography).parent if mapped else None,
        cartography_traits=mapped,
    )
