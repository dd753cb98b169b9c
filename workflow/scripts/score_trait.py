"""Score the slides by one trait, round by round and by the vote of the best."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.traits.scoring import score_trait

    # Models that were brought along come without them.
    labels, rounds = snakemake.input.labels, snakemake.input.rounds
    trait, patients = snakemake.wildcards.trait, snakemake.params.patients
    predictions = snakemake.input.predictions
    score_trait(
        {
            number: by_slide(predictions, patients, f"{{slide}}/{trait}/{number}.zarr")
            for number in snakemake.params.rounds
        },
        *(Path(path) if path else None for path in (labels, rounds)),
        brought=next(map(Path, snakemake.input.brought), None),
        scores=Path(snakemake.output.scores),
        choice=Path(snakemake.output.choice),
        patients=patients,
        trait=trait,
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
    )
