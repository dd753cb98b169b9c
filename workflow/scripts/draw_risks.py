"""Draw the risk of every patient."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.risks import draw_risks

    draw_risks(
        Path(snakemake.input.scores),
        Path(snakemake.input.patients),
        score=snakemake.params.score,
        risks_figure=Path(snakemake.output.risks),
    )
