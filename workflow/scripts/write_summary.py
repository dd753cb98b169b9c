"""Write the summary page."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.page import write_summary

    root = Path(snakemake.params.settings["results"])
    pictures = {
        name: [
            root / place.format(slide=slide)
            for slide in snakemake.params.slides
            for place in places
        ]
        for name, places in snakemake.params.pictures.items()
    } | {
        "scan_pictures": [
            root / "imaging" / "scans" / patient / "picture.png"
            for patient in snakemake.params.scans
        ]
    }
    write_summary(
        Path(snakemake.output.page),
        results={
            name: Path(value) if isinstance(value, str) else [Path(path) for path in value]
            for name, value in snakemake.input.items()
            if name != "batches"
        }
        | pictures,
        settings=snakemake.params.settings,
        palette=[Region(**entry) for entry in snakemake.params.palette],
    )
