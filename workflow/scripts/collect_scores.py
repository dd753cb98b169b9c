"""Bring areas and the study's own scores to one table."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.scores import collect_scores

    collect_scores(
        Path(snakemake.input.table) if snakemake.input.table else None,
        Path(snakemake.input.areas) if snakemake.input.areas else None,
        Path(snakemake.input.patients),
        risks=dict(zip(snakemake.params.risks, map(Path, snakemake.input.risks), strict=True)),
        scores=Path(snakemake.output.scores),
        regions=snakemake.params.regions,
        min_shared=snakemake.params.min_shared,
    )
