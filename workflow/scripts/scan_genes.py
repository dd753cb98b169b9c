"""Set every gene against survival."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.gene_scan import scan_genes

    scan_genes(
        Path(snakemake.input.expression),
        Path(snakemake.input.genes),
        Path(snakemake.input.patients),
        Path(snakemake.input.cohorts),
        scans={test: Path(snakemake.output[test]) for test in snakemake.params.tests},
        **snakemake.params.settings,
    )
