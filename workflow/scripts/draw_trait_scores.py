"""Draw the scores of one trait against what was measured."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.trait_scores import draw_score_percentile

    draw_score_percentile(
        *(Path(snakemake.input[name]) for name in ("scores", "labels", "rounds", "agreement")),
        trait=snakemake.wildcards.trait,
        positive=snakemake.params.positive,
        score=snakemake.params.score,
        cuts=tuple(snakemake.params.cuts),
        scores_figure=Path(snakemake.output.trait_scores),
    )
