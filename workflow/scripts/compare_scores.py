"""Compare survival on the two sides of every score's cut-point."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.score_groups import compare_scores

    compare_scores(
        Path(snakemake.input.patients),
        Path(snakemake.input.scores),
        Path(snakemake.input.cohorts),
        cuts=Path(snakemake.output.cuts),
        search=Path(snakemake.output.search),
        groups=Path(snakemake.output.groups),
        curves=Path(snakemake.output.curves),
        **snakemake.params.settings,
    )
