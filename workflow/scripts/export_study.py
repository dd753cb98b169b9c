"""Write what the study knows of its patients and genes as one h5ad."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.export import export_study

    export_study(
        Path(snakemake.input.expression),
        Path(snakemake.input.genes),
        correlation=Path(snakemake.input.correlation),
        signatures=Path(snakemake.input.signatures),
        scores=Path(snakemake.input.scores),
        patients=Path(snakemake.input.patients),
        out=Path(snakemake.output.study),
    )
