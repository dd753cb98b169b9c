"""Measure how mixed the traits are on slides and in patients."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.traits.heterogeneity_tables import collect_heterogeneity

    patients, labels = snakemake.params.patients, map(Path, snakemake.input.labels)
    trained = bool(snakemake.input.rounds)
    collect_heterogeneity(
        by_slide(snakemake.input.votes, patients, "{slide}/cartography.zarr"),
        owners=patients,
        indices=snakemake.params.indices,
        labels=dict(zip(snakemake.params.traits, labels, strict=True)) if trained else None,
        rounds=Path(snakemake.input.rounds) if trained else None,
        **{
            name: Path(snakemake.output[name])
            for name in ("slides", "combinations", "patients", "scores")
        },
        **snakemake.params.settings,
    )
