"""Write the review page and the empty sheet of verdicts."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.review import write_review

    folders = map(Path, snakemake.input.pictures)
    write_review(
        [(folder.parent.name, int(folder.name), folder) for folder in folders],
        Path(snakemake.output.page),
        Path(snakemake.output.verdicts),
        palette=[Region(**entry) for entry in snakemake.params.palette],
        study=snakemake.params.study,
    )
