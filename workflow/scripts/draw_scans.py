"""Draw which scans can be used, what they measure, and examples of their slices."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.report.figures.scans import (
        draw_scan_examples,
        draw_scan_quality,
        example_patients,
    )
    from histoniche.tables import read_table

    quality, maps = Path(snakemake.input.quality), snakemake.params.maps
    draw_scan_quality(quality, maps=maps, quality_figure=Path(snakemake.output.imaging_quality))
    shown = example_patients(read_table(quality))
    draw_scan_examples(
        by_slide(snakemake.input.scans, shown, "{slide}/sample.safetensors"),
        maps=maps,
        examples_figure=Path(snakemake.output.imaging_samples),
    )
