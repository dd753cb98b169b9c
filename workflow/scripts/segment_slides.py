"""Find the regions of a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.regions.application import segment_slides

    models = (Path(file).parent for file in snakemake.input.models)
    segment_slides(
        folders_of(snakemake.params.slides, snakemake.input.tiles),
        folders_of(snakemake.params.slides, snakemake.output),
        {head: [next(models) for _ in names] for head, names in snakemake.params.heads.items()},
        patients=snakemake.params.patients,
        palette=snakemake.params.palette,
        settings=snakemake.params.settings,
        threads=snakemake.threads,
    )
