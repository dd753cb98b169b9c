"""Read the areas that were brought along."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.regions.cohort_areas import import_areas

    import_areas(
        Path(snakemake.input.table),
        Path(snakemake.input.patients),
        Path(snakemake.output.patients),
        patient=snakemake.params.patient,
        columns=snakemake.params.columns,
        **snakemake.params.settings,
    )
