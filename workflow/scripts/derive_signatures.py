"""Derive each region's signature."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.signatures import derive_signatures

    derive_signatures(
        Path(snakemake.input.correlation),
        Path(snakemake.input.gene_survival),
        signatures=Path(snakemake.output.signatures),
        gmt=Path(snakemake.output.gmt),
        sizes=Path(snakemake.output.sizes),
        **snakemake.params.settings,
    )
