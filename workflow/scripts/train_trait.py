"""Train the network of one trait in one round."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.traits.training import train_trait

    out = Path(snakemake.output.description).parent
    train_trait(
        by_slide(snakemake.input.tiles, snakemake.params.slides, "{slide}.zarr"),
        Path(snakemake.input.labels),
        Path(snakemake.input.rounds),
        out,
        # Not declared, so that a failed job keeps its checkpoints.
        out.parent / ".state" / out.name,
        trait=snakemake.wildcards.trait,
        round=int(snakemake.wildcards.round),
        classes=snakemake.params.classes,
        settings=snakemake.params.settings,
        encoder_weights=next(map(Path, snakemake.input.encoder_weights), None),
        seed=snakemake.params.seed,
        threads=snakemake.threads,
    )
