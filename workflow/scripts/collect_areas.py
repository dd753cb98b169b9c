"""Average the areas of each patient's sections."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.regions.cohort_areas import collect_areas

    patients = snakemake.params.patients
    collect_areas(
        by_slide(snakemake.input.mapped, patients, "{slide}/areas.json"),
        Path(snakemake.output.slides),
        Path(snakemake.output.patients),
        patients=patients,
        measure=snakemake.params.measure,
    )
