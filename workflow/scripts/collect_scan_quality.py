"""List which scans can be used, and why others cannot."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.imaging.quality_table import collect_scan_quality
    from histoniche.manifests import by_slide

    params = snakemake.params
    collect_scan_quality(
        by_slide(snakemake.input.scans, params.prepared, "{slide}"),
        Path(snakemake.output.table),
        cohorts=params.cohorts,
        excluded=params.excluded,
        maps=params.maps,
    )
