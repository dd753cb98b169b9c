"""Evaluate one trait on patients whom its networks have not seen."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.traits.trait_evaluation import evaluate_trait

    trait, predictions = snakemake.wildcards.trait, snakemake.input.predictions
    stores = {
        number: by_slide(predictions, snakemake.params.slides, f"{{slide}}/{trait}/{number}.zarr")
        for number in (snakemake.params.rounds if predictions else ())
    }
    evaluate_trait(
        *(Path(snakemake.input[name]) for name in ("labels", "rounds", "scores", "choice")),
        predictions=stores or None,
        trait=trait,
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
        seed=snakemake.params.seed,
        **{
            name: Path(snakemake.output[name])
            for name in ("metrics", "confusion", "roc", "agreement")
        },
    )
