"""Measure how well a risk tells who dies sooner."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.risk_evaluation import evaluate_risk

    evaluate_risk(
        Path(snakemake.input.scores),
        Path(snakemake.input.patients),
        Path(snakemake.output.performance),
        score=snakemake.params.score,
        seed=snakemake.params.seed,
        **snakemake.params.settings,
    )
