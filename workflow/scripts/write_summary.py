"""Write the summary page."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.page import write_summary

    write_summary(
        Path(snakemake.output.page),
        results={
            name: Path(value) if isinstance(value, str) else [Path(path) for path in value]
            for name, value in snakemake.input.items()
        },
        settings=snakemake.params.settings,
        palette=[Region(**entry) for entry in snakemake.params.palette],
    )
