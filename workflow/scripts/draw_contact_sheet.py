"""Draw all slides in small."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.slides.contact_sheet import collect_contact_sheet

    collect_contact_sheet(
        Path(snakemake.input.quality),
        [Path(path) for path in snakemake.input.pictures],
        Path(snakemake.output[0]),
    )
