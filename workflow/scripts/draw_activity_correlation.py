"""Draw the correlation of activities with scores."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.activity import draw_activity_correlation

    draw_activity_correlation(
        Path(snakemake.input.correlation),
        top=snakemake.params.top,
        figure=Path(snakemake.output.activity_correlation),
    )
