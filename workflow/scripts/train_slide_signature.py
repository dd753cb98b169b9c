"""Train the slide signature's attention of one fold."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.traits.slide_signature import train_slide_signature

    params, out = snakemake.params, Path(snakemake.output.description).parent
    train_slide_signature(
        by_slide(snakemake.input.features, params.owners, "{slide}.zarr"),
        Path(snakemake.input.split),
        out,
        # Not declared, so that a failed job keeps its checkpoints.
        out.parent / ".state" / out.name,
        fold=int(snakemake.wildcards.fold),
        owners=params.owners,
        settings=params.settings,
        seed=params.seed,
        threads=snakemake.threads,
    )
