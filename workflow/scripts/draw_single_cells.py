"""Draw the signatures in single cells."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.single_cell import draw_cell_maps, draw_signature_genes

    draw_signature_genes(
        Path(snakemake.input.by_type),
        Path(snakemake.input.genes),
        shown=snakemake.params.regions,
        heat_map=Path(snakemake.output.cell_genes),
    )
    draw_cell_maps(
        Path(snakemake.input.scores),
        shown=snakemake.params.regions,
        cell_maps=Path(snakemake.output.cell_maps),
    )
