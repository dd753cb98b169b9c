"""Seal the bundle."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.bundle import seal_bundle

    models = zip(snakemake.params.models, map(Path, snakemake.input.models), strict=True)
    seal_bundle(
        [Path(path) for path in snakemake.input.files],
        Path(snakemake.output.bundle),
        root=Path(snakemake.params.settings["results"]),
        models=dict(models),
        sheets={
            name: Path(snakemake.input[name])
            for name in ("patients", "slides")
            if snakemake.input[name]
        },
        workflow=[Path(path) for path in snakemake.input.workflow],
        settings=snakemake.params.settings,
    )
