"""Make single cells ready."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.single_cell import prepare_cells

    paths = [Path(path) for path in snakemake.input.cells]
    patients = snakemake.params.patients
    prepare_cells(
        dict(zip(patients, paths, strict=True)) if patients else paths[0],
        labels=Path(snakemake.input.labels) if snakemake.input.labels else None,
        matrix=Path(snakemake.output.matrix),
        table=Path(snakemake.output.cells),
        decisions=Path(snakemake.output.decisions),
        **snakemake.params.settings,
    )
