"""Test every gene set in the regions' rankings of genes."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.gsea import enrich_rankings

    libraries = zip(snakemake.params.libraries, snakemake.input.gene_sets, strict=True)
    enrich_rankings(
        Path(snakemake.input.correlation),
        {name: Path(path) for name, path in libraries},
        gsea=Path(snakemake.output.gsea),
        threads=snakemake.threads,
        **snakemake.params.settings,
    )
