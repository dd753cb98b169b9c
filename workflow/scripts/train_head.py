"""Train the network of one head."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.regions.training import train_head

    out = Path(snakemake.output.description).parent
    train_head(
        by_slide(snakemake.input.tiles, snakemake.params.slides, "{slide}.zarr"),
        Path(snakemake.input.split),
        out,
        # Not declared, so that a failed job keeps its checkpoints.
        out.parent / ".state" / out.name,
        head=snakemake.wildcards.head,
        fold=int(snakemake.wildcards.fold) if snakemake.params.by_fold else None,
        patients=snakemake.params.patients,
        palette=snakemake.params.palette,
        settings=snakemake.params.settings,
        encoder_weights=next(map(Path, snakemake.input.encoder_weights), None),
        seed=snakemake.params.seed,
        threads=snakemake.threads,
    )
