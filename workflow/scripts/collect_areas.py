"""Average the areas of each patient's sections."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.regions.cohort_areas import collect_areas

    patients = snakemake.params.patients
    collect_areas(
        dict(zip(patients, map(Path, snakemake.input.reports), strict=True)),
        Path(snakemake.output.slides),
        Path(snakemake.output.patients),
        patients=patients,
        measure=snakemake.params.measure,
    )
