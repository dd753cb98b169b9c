"""Gather the inspections into the quality table."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.slides.quality_table import collect_quality

    patients = snakemake.params.patients
    stages = dict.fromkeys(Path(path).parents[1] for path in snakemake.input.tiles)
    collect_quality(
        by_slide(snakemake.input.inspected, patients, "{slide}/inspection.json"),
        Path(snakemake.output.table),
        stores={
            slide: [stage / f"{slide}.zarr" / "zarr.json" for stage in stages] for slide in patients
        },
        patients=patients,
        excluded=snakemake.params.excluded,
        limits=snakemake.params.limits,
    )
