"""Evaluate one trait on patients whom its networks have not seen."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_by
    from histoniche.traits.trait_evaluation import evaluate_trait

    names = (snakemake.params.rounds, snakemake.params.slides)
    predictions = snakemake.input.predictions
    evaluate_trait(
        *(Path(snakemake.input[name]) for name in ("labels", "rounds", "scores", "choice")),
        predictions=folders_by(names, predictions) if predictions else None,
        trait=snakemake.wildcards.trait,
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
        seed=snakemake.params.seed,
        **{
            name: Path(snakemake.output[name])
            for name in ("metrics", "confusion", "roc", "agreement")
        },
    )
