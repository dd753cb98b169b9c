"""Score gene sets in every patient."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.activity import score_activity

    libraries = zip(snakemake.params.libraries, snakemake.input.gene_sets, strict=True)
    score_activity(
        Path(snakemake.input.expression),
        Path(snakemake.input.genes),
        {name: Path(path) for name, path in libraries},
        activity=Path(snakemake.output.activity),
        **snakemake.params.settings,
    )
