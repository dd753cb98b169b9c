"""Draw how far the cohorts are from the training cohort."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.balance import draw_balance

    draw_balance(Path(snakemake.input.balance), figure=Path(snakemake.output.balance))
