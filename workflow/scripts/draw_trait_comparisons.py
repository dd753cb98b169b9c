"""Draw ways of training beside each other."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.trait_comparisons import draw_trait_comparisons

    draw_trait_comparisons(
        Path(snakemake.input.comparisons),
        Path(snakemake.input.metrics),
        comparisons_figure=Path(snakemake.output.trait_comparisons),
    )
