"""Draw how well risks tell who dies sooner."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.concordance import draw_concordance

    params, performances = snakemake.params, map(Path, snakemake.input.performances)
    draw_concordance(
        dict(zip(params.scores, performances, strict=True)),
        confidences=dict(zip(params.scores, params.confidence, strict=True)),
        concordance_figure=Path(snakemake.output.risk_concordance),
    )
