"""Fit Cox models on the training cohort and measure them on every cohort."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.measures import SHORT
    from histoniche.survival.evaluation import evaluate_models

    names = ("performance", "differences", "coefficients", "tests", "curves", "risks", "fitted")
    evaluate_models(
        Path(snakemake.input.patients),
        Path(snakemake.input.cohorts),
        scores=Path(snakemake.input.scores),
        models=snakemake.params.models,
        declared=snakemake.params.declared,
        area_unit=SHORT[snakemake.params.measure],
        **{name: Path(snakemake.output[name]) for name in names},
        **snakemake.params.settings,
    )
