"""Find the regions of a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.regions.application import segment_slides

    def folders(files: list[str]) -> dict[str, Path]:
        """Folder of each file, by slide."""
        return dict(
            zip(snakemake.params.slides, (Path(file).parent for file in files), strict=True)
        )

    models = (Path(file).parent for file in snakemake.input.models)
    segment_slides(
        folders(snakemake.input.tiles),
        folders(snakemake.output),
        {head: [next(models) for _ in names] for head, names in snakemake.params.heads.items()},
        patients=snakemake.params.patients,
        palette=snakemake.params.palette,
        settings=snakemake.params.settings,
        threads=snakemake.threads,
    )
