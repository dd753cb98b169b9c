"""Let the networks of every trait vote on the tiles of a batch of slides, and lay cartographies."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import sha256
    from histoniche.manifests import by_slide, each_slide, made_from, of_stage
    from histoniche.traits.votes import vote_slides

    manifest, params, given = Path(snakemake.output.manifest), snakemake.params, snakemake.input
    patients, tilings, mapped = params.patients, params.tilings, params.mapped
    choices = dict(zip(params.rounds, map(Path, given.choices), strict=True))
    tiles = {trait: of_stage(given.tiles, tiling) for trait, tiling in tilings.items()}
    predictions = {trait: of_stage(given.predictions, tiling) for trait, tiling in tilings.items()}
    outs = {
        trait: by_slide([manifest], patients, f"{{slide}}/{trait}.zarr") for trait in params.rounds
    }
    cartographies = by_slide([manifest], patients, "{slide}/cartography.zarr") if mapped else {}
    found = {trait: made_from(own) for trait, own in predictions.items()}
    shared = [
        *(params.rounds, params.classes, tilings, mapped, params.rule, params.code),
        [sha256(path) for path in choices.values()],
        sha256(Path(given.rounds)) if given.rounds else None,
    ]
    sources = {
        slide: [patient, {trait: own[slide] for trait, own in found.items()}, *shared]
        for slide, patient in patients.items()
    }
    vote_slides(
        {trait: by_slide(own, patients, "{slide}.zarr") for trait, own in tiles.items()},
        {
            trait: {
                number: by_slide(predictions[trait], patients, f"{{slide}}/{trait}/{number}.zarr")
                for number in own
            }
            for trait, own in params.rounds.items()
        },
        outs,
        patients=patients,
        choices=choices,
        rounds=Path(given.rounds) if given.rounds else None,
        cartographies=cartographies,
        slides=each_slide(
            manifest,
            sources,
            lambda slide: [
                stores[slide] / "zarr.json"
                for stores in (*outs.values(), *([cartographies] if mapped else []))
            ],
        ),
        cartography_traits=mapped,
        classes=params.classes,
        rule=params.rule,
        tilings=tilings,
    )
