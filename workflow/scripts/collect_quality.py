"""Gather the inspections into the quality table."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.slides.quality_table import collect_quality

    patients = snakemake.params.patients
    stores: dict[str, list[Path]] = {}
    for path in map(Path, snakemake.input.tiles):
        stores.setdefault(path.parent.name.removesuffix(".zarr"), []).append(path)
    collect_quality(
        dict(zip(patients, map(Path, snakemake.input.reports), strict=True)),
        Path(snakemake.output.table),
        stores=stores,
        patients=patients,
        excluded=snakemake.params.excluded,
        limits=snakemake.params.limits,
    )
