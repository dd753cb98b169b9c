"""Compare what is highlighted in patients of high and of low risk."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.imaging.activation_groups import compare_activation

    compare_activation(
        Path(snakemake.input.activation),
        Path(snakemake.input.scores),
        Path(snakemake.input.cuts) if snakemake.input.cuts else None,
        Path(snakemake.output.groups),
        score=snakemake.params.score,
        confidence=snakemake.params.confidence,
    )
