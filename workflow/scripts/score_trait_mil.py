"""Score the slides by one trait's attention, round by round and together."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.traits.mil_scoring import score_trait_mil

    patients = snakemake.params.patients
    # Models that were brought along come without them.
    labels, rounds = snakemake.input.labels, snakemake.input.rounds
    score_trait_mil(
        folders_of(patients, snakemake.input.features),
        folders_of(snakemake.params.rounds, snakemake.input.models),
        *(Path(path) if path else None for path in (labels, rounds)),
        brought=next(map(Path, snakemake.input.brought), None),
        scores=Path(snakemake.output.scores),
        choice=Path(snakemake.output.choice),
        outs=folders_of(patients, snakemake.output.attention),
        patients=patients,
        trait=snakemake.params.trait,
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
        bag=snakemake.params.bag,
        threads=snakemake.threads,
    )
