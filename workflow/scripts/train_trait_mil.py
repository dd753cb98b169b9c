"""Train the attention of one trait in one round."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.traits.mil import train_trait_mil

    out = Path(snakemake.output.description).parent
    train_trait_mil(
        by_slide(snakemake.input.features, snakemake.params.slides, "{slide}.zarr"),
        Path(snakemake.input.labels),
        Path(snakemake.input.rounds),
        out,
        # Not declared, so that a failed job keeps its checkpoints.
        out.parent / ".state" / out.name,
        trait=snakemake.wildcards.trait,
        round=int(snakemake.wildcards.round),
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
    )
