"""Set the traits side by side."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.traits.round_table import summarise_traits

    tables = {
        name: dict(zip(snakemake.params.traits, map(Path, snakemake.input[name]), strict=True))
        for name in ("labels", "metrics", "agreement")
    }
    summarise_traits(
        **tables,
        all_labels=Path(snakemake.output.labels),
        all_metrics=Path(snakemake.output.metrics),
        correlations=Path(snakemake.output.agreement),
        rounds=Path(snakemake.output.rounds),
    )
