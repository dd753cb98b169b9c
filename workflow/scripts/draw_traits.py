"""Draw the traits side by side."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.trait_rounds import draw_trait_rounds

    draw_trait_rounds(
        Path(snakemake.input.metrics),
        traits=snakemake.params.traits,
        rounds_figure=Path(snakemake.output.trait_rounds),
    )
