"""Weigh what one score adds to the clinical covariates."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.measures import UNITS
    from histoniche.score_table import AREA
    from histoniche.survival.clinical import evaluate_clinically
    from histoniche.survival.follow_up import days_of

    evaluate_clinically(
        Path(snakemake.input.patients),
        Path(snakemake.input.scores),
        Path(snakemake.input.cohorts),
        score=snakemake.wildcards.score,
        units={AREA: UNITS[snakemake.params.measure]},
        covariates=snakemake.params.covariates,
        declared=snakemake.params.declared,
        days=days_of(snakemake.params.years),
        clinical_nomogram=Path(snakemake.output.clinical_nomogram),
        score_nomogram=Path(snakemake.output.score_nomogram),
        tables={name: Path(snakemake.output[name]) for name in snakemake.params.tables},
        **snakemake.params.settings,
    )
