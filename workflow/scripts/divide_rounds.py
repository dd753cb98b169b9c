"""Divide the patients for the rounds of all traits."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.traits.rounds import write_rounds

    write_rounds(
        snakemake.params.slides,
        Path(snakemake.output.rounds),
        patients=Path(snakemake.input.patients) if snakemake.input.patients else None,
        seed=snakemake.params.seed,
        **snakemake.params.settings,
    )
