"""Seal the bundle."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.bundle import seal_bundle

    root = Path(snakemake.params.settings["results"])
    models = zip(snakemake.params.models, map(Path, snakemake.input.models), strict=True)
    of_slides = [
        root / place.format(slide=slide)
        for slide in snakemake.params.slides
        for place in snakemake.params.of_slides
    ]
    seal_bundle(
        [*map(Path, snakemake.input.files), *of_slides],
        Path(snakemake.output.bundle),
        root=root,
        models=dict(models),
        sheets={
            name: Path(snakemake.input[name])
            for name in ("patients", "slides")
            if snakemake.input[name]
        },
        workflow=[Path(path) for path in snakemake.input.workflow],
        settings=snakemake.params.settings,
    )
