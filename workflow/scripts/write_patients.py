"""Write the sheet of patients as a table."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.tables import write_patients

    write_patients(
        Path(snakemake.input.sheet),
        Path(snakemake.output.table),
        covariates=snakemake.params.covariates,
        time_unit=snakemake.params.time_unit,
        labels=snakemake.params.labels,
        cohorts=snakemake.params.cohorts,
    )
