"""Count the scans, and stop the run if too many cannot be used."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.imaging.quality_table import check_scans

    check_scans(
        Path(snakemake.input.quality),
        Path(snakemake.output.table),
        on_bad_scan=snakemake.params.on_bad_scan,
    )
