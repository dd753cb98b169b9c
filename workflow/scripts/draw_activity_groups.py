"""Draw the activities of groups of patients."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.activity import draw_activity_groups

    draw_activity_groups(
        Path(snakemake.input.activity),
        Path(snakemake.input.groups),
        Path(snakemake.input.comparison),
        top=snakemake.params.top,
        figure=Path(snakemake.output.activity_groups),
    )
