"""Draw one heterogeneity index."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.heterogeneity import draw_heterogeneity

    draw_heterogeneity(
        Path(snakemake.input.patients),
        score=snakemake.wildcards.index,
        traits=snakemake.params.traits,
        cuts=(0.5, 0.5),
        heterogeneity_figure=Path(snakemake.output.heterogeneity),
    )
