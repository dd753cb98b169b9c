"""Train the network of one fold on the samples of scans."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.imaging.training import train_fold
    from histoniche.manifests import by_slide

    params, out = snakemake.params, Path(snakemake.output.description).parent
    train_fold(
        by_slide(snakemake.input.scans, params.patients, "{slide}/sample.safetensors"),
        Path(snakemake.input.split),
        out,
        # Not declared, so that a failed job keeps its checkpoints.
        out.parent / ".state" / out.name,
        fold=int(snakemake.wildcards.fold),
        maps=params.maps,
        settings=params.settings,
        seed=params.seed,
        threads=snakemake.threads,
    )
