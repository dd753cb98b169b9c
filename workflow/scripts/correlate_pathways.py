"""Find the gene sets behind a score."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.pathways import correlate_pathways

    libraries = zip(snakemake.params.libraries, snakemake.input.gene_sets, strict=True)
    correlate_pathways(
        Path(snakemake.input.expression),
        Path(snakemake.input.scores),
        {name: Path(path) for name, path in libraries},
        genes=Path(snakemake.input.genes),
        differential=Path(snakemake.input.differential),
        groups=Path(snakemake.input.groups),
        enrichment=Path(snakemake.output.enrichment),
        activity=Path(snakemake.output.activity),
        correlation=Path(snakemake.output.correlation),
        decisions=Path(snakemake.output.choice),
        **snakemake.params.settings,
    )
