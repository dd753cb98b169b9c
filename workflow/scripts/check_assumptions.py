"""Test what fitted Cox models take for granted."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.assumptions import check_assumptions

    names = ("proportionality", "residuals", "smooths", "forms", "form_points", "form_curves")
    check_assumptions(
        Path(snakemake.input.patients),
        Path(snakemake.input.cohorts),
        Path(snakemake.input.fitted),
        scores=Path(snakemake.input.scores),
        models=snakemake.params.models,
        declared=snakemake.params.declared,
        **{name: Path(snakemake.output[name]) for name in names},
        **snakemake.params.settings,
    )
