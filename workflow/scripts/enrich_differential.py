"""Test the genes up and down of every comparison against every library of gene sets."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.differential_enrichment import enrich_differential

    paths = map(Path, snakemake.input.gene_sets)
    enrich_differential(
        Path(snakemake.input.differential),
        dict(zip(snakemake.params.libraries, paths, strict=True)),
        enrichment=Path(snakemake.output.enrichment),
        rule=snakemake.params.differing,
        **snakemake.params.settings,
    )
