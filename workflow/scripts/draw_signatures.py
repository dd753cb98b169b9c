"""Draw the signatures and the gene sets behind them."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.enrichment import draw_enrichment
    from histoniche.report.figures.signatures import draw_signatures

    palette = [Region(**entry) for entry in snakemake.params.palette]
    draw_signatures(
        Path(snakemake.input.correlation),
        Path(snakemake.input.signatures),
        Path(snakemake.input.sizes),
        palette,
        top=snakemake.params.top,
        genes_figure=Path(snakemake.output.signature_genes),
        sizes_figure=Path(snakemake.output.signature_sizes),
    )
    if snakemake.input.enrichment:
        draw_enrichment(
            Path(snakemake.input.enrichment),
            palette,
            top=snakemake.params.top,
            enrichment_figure=Path(snakemake.output.enrichment),
        )
