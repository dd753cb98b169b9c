"""Draw a chain of networks beside the single one."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.trait_comparisons import draw_chain

    draw_chain(
        Path(snakemake.input.metrics),
        Path(snakemake.input.comparison),
        chain=snakemake.wildcards.chain,
        chain_figure=Path(snakemake.output.chain),
    )
