"""Divide the patients for every comparison."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.comparisons import divide_patients

    mutated = [Path(path) for path in snakemake.input.mutations]
    divide_patients(
        Path(snakemake.input.patients),
        Path(snakemake.input.scores) if snakemake.input.scores else None,
        (mutated[0], mutated[1]) if mutated else None,
        groups=Path(snakemake.output.groups),
        comparisons=snakemake.params.comparisons,
        cuts=Path(snakemake.input.cuts) if snakemake.input.cuts else None,
    )
