"""Picture what the best trials of one network find."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.regions.review import picture_trials

    slides = snakemake.params.slides
    models = (Path(path).parent for path in snakemake.input.models)
    picture_trials(
        Path(snakemake.input.leaderboard),
        {int(folder.name): folder for folder in models},
        by_slide(snakemake.input.tiles, slides, "{slide}.zarr"),
        by_slide(snakemake.input.inspected, slides, "{slide}/thumbnail.png"),
        split=Path(snakemake.input.split),
        out=Path(snakemake.output[0]),
        head=snakemake.wildcards.head,
        fold=int(snakemake.wildcards.fold) if snakemake.params.by_fold else None,
        reviewed=snakemake.params.reviewed,
        patients=snakemake.params.patients,
        palette=snakemake.params.palette,
        settings=snakemake.params.settings,
        threads=snakemake.threads,
    )
