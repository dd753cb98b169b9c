"""Test every signature against every library of gene sets."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.enrichment import enrich_signatures

    paths = map(Path, snakemake.input.gene_sets)
    enrich_signatures(
        Path(snakemake.input.signatures),
        Path(snakemake.input.correlation),
        dict(zip(snakemake.params.libraries, paths, strict=True)),
        enrichment=Path(snakemake.output.enrichment),
        **snakemake.params.settings,
    )
