"""Join gene sets by the genes they share."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.term_network import build_term_network

    libraries = zip(snakemake.params.libraries, snakemake.input.gene_sets, strict=True)
    build_term_network(
        Path(snakemake.input.enrichment),
        Path(snakemake.input.correlation),
        {name: Path(path) for name, path in libraries},
        nodes=Path(snakemake.output.nodes),
        edges=Path(snakemake.output.edges),
        graphml=Path(snakemake.output.graphml),
        cytoscape=Path(snakemake.output.cytoscape),
        **snakemake.params.settings,
    )
