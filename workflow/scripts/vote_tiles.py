"""Let the networks of every trait vote on the tiles of some slides, and lay cartographies."""

from itertools import islice
from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_by, folders_of
    from histoniche.traits.votes import vote_slides

    rounds, patients = snakemake.params.rounds, snakemake.params.patients
    slides, found = list(patients), iter(snakemake.input.predictions)
    mapped = snakemake.params.mapped
    vote_slides(
        folders_by((list(rounds), slides), snakemake.input.tiles),
        {
            trait: folders_by((own, slides), islice(found, len(own) * len(slides)))
            for trait, own in rounds.items()
        },
        folders_by((list(rounds), slides), snakemake.output.votes),
        patients=patients,
        choices=dict(zip(rounds, map(Path, snakemake.input.choices), strict=True)),
        rounds=Path(snakemake.input.rounds) if snakemake.input.rounds else None,
        cartographies=folders_of(slides, snakemake.output.cartographies) if mapped else {},
        cartography_traits=mapped,
        classes=snakemake.params.classes,
        rule=snakemake.params.rule,
        tilings=snakemake.params.tilings,
    )
