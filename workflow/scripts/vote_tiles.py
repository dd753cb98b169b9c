"""Let the networks of every trait vote on the tiles of a batch of slides, and lay cartographies."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import sha256
    from histoniche.manifests import Batch, made_from, of_stage
    from histoniche.traits.votes import vote_slides

    given, params = snakemake.input, snakemake.params
    batch, tilings = Batch(snakemake.output.manifest, params.patients), params.tilings
    choices = dict(zip(params.rounds, map(Path, given.choices), strict=True))
    rounds = Path(given.rounds) if given.rounds else None
    tiles = {trait: of_stage(given.tiles, tiling) for trait, tiling in tilings.items()}
    found = {trait: of_stage(given.predictions, tiling) for trait, tiling in tilings.items()}
    outs = {trait: batch.outs(f"{{slide}}/{trait}.zarr") for trait in params.rounds}
    cartographies = batch.outs("{slide}/cartography.zarr") if params.mapped else {}
    written = [*outs.values(), cartographies] if params.mapped else list(outs.values())
    settings = [params.rounds, params.classes, tilings, params.mapped, params.rule, params.code]
    chosen = [sha256(path) for path in choices.values()], rounds and sha256(rounds)
    vote_slides(
        {trait: batch.of(own, "{slide}.zarr") for trait, own in tiles.items()},
        {
            trait: {
                number: batch.of(found[trait], f"{{slide}}/{trait}/{number}.zarr") for number in own
            }
            for trait, own in params.rounds.items()
        },
        outs,
        patients=params.patients,
        choices=choices,
        rounds=rounds,
        cartographies=cartographies,
        slides=batch.left(
            lambda slide: [stores[slide] / "zarr.json" for stores in written],
            *(params.patients, *(made_from(own) for _, own in sorted(found.items()))),
            shared=[settings, chosen],
        ),
        cartography_traits=params.mapped,
        classes=params.classes,
        rule=params.rule,
        tilings=tilings,
    )
