"""Draw the gene sets behind a score, and survival by their mean expression."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.pathways import draw_pathway_heat_map, draw_pathway_survival

    draw_pathway_heat_map(
        Path(snakemake.input.activity),
        Path(snakemake.input.correlation),
        Path(snakemake.input.scores),
        Path(snakemake.input.groups),
        figure=Path(snakemake.output.pathway_activity),
        **snakemake.params.settings,
    )
    draw_pathway_survival(
        Path(snakemake.input.compared),
        Path(snakemake.input.curves),
        Path(snakemake.input.cuts),
        figure=Path(snakemake.output.pathway_survival),
    )
