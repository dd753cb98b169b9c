"""Correlate every region's area with survival time."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.area_correlation import correlate_survival

    correlate_survival(
        Path(snakemake.input.patients),
        Path(snakemake.input.areas),
        strata=[Path(path) for path in snakemake.input.strata],
        correlation=Path(snakemake.output.correlation),
        outliers=Path(snakemake.output.outliers),
        fewest=snakemake.params.fewest,
        **snakemake.params.settings,
    )
