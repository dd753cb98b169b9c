"""Gather the inspections into the quality table."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.slides.quality_table import collect_quality

    patients = snakemake.params.patients
    stores = map(Path, snakemake.input.tiles)
    collect_quality(
        dict(zip(patients, map(Path, snakemake.input.reports), strict=True)),
        Path(snakemake.output.table),
        stores=dict(zip(patients, stores, strict=True)) if snakemake.input.tiles else {},
        patients=patients,
        excluded=snakemake.params.excluded,
    )
