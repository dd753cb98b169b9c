"""Score the slides by one trait, round by round and by the vote of the best."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_by
    from histoniche.traits.scoring import score_trait

    # Models that were brought along come without them.
    labels, rounds = snakemake.input.labels, snakemake.input.rounds
    score_trait(
        folders_by(
            (snakemake.params.rounds, list(snakemake.params.patients)), snakemake.input.predictions
        ),
        *(Path(path) if path else None for path in (labels, rounds)),
        brought=next(map(Path, snakemake.input.brought), None),
        scores=Path(snakemake.output.scores),
        choice=Path(snakemake.output.choice),
        patients=snakemake.params.patients,
        trait=snakemake.wildcards.trait,
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
    )
