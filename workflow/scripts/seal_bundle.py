"""Seal the bundle."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.bundle import seal_bundle
    from histoniche.report.provenance import slides_declared_as, trace

    root = Path(snakemake.params.settings["results"])
    models = zip(snakemake.params.models, map(Path, snakemake.input.models), strict=True)
    of_slides = [
        root / place.format(slide=slide)
        for slide in snakemake.params.slides
        for place in snakemake.params.of_slides
    ]
    files = [*map(Path, snakemake.input.files), *of_slides]
    seal_bundle(
        files,
        Path(snakemake.output.bundle),
        root=root,
        models=dict(models),
        sheets={
            name: Path(snakemake.input[name])
            for name in ("patients", "slides", "scans")
            if snakemake.input[name]
        },
        workflow=[Path(path) for path in snakemake.input.workflow],
        settings=snakemake.params.settings,
        locks=[Path(path) for path in snakemake.input.locks],
        provenance=trace(
            [*map(str, files), *snakemake.input.models],
            records=Path(".snakemake/metadata"),
            logs=root / "logs",
            benchmarks=root / "benchmarks",
            declared_as=slides_declared_as(
                map(Path, snakemake.input.batches), snakemake.params.stages
            ),
        ),
        environments=snakemake.params.environments,
    )
