"""Compare ways of training by their rounds."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.traits.training_comparison import compare_trainings

    compare_trainings(
        dict(zip(snakemake.params.traits, map(Path, snakemake.input.metrics), strict=True)),
        Path(snakemake.input.rounds),
        Path(snakemake.output.comparisons),
        comparisons=snakemake.params.comparisons,
    )
