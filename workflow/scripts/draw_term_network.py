"""Draw the network of gene sets."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.term_network import draw_term_network

    draw_term_network(
        Path(snakemake.input.nodes),
        Path(snakemake.input.edges),
        term_network_figure=Path(snakemake.output.term_network),
    )
