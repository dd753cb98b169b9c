"""Seal the bundle."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.bundle import seal_bundle

    # The descriptions of all networks, then their weights.
    names = 2 * snakemake.params.networks
    models = [Path(path) for path in snakemake.input.models]
    seal_bundle(
        [Path(path) for path in snakemake.input.files],
        Path(snakemake.output.bundle),
        root=Path(snakemake.params.settings["results"]),
        models={f"{name}/{path.name}": path for name, path in zip(names, models, strict=True)},
        sheets={
            name: Path(snakemake.input[name])
            for name in ("patients", "slides")
            if snakemake.input[name]
        },
        workflow=[Path(path) for path in snakemake.input.workflow],
        settings=snakemake.params.settings,
    )
