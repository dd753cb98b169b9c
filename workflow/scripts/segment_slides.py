"""Find the regions of a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.regions.application import segment_slides

    def folders(names: list[str], files: list[str]) -> dict[str, Path]:
        """Folder of each file, by name."""
        return dict(zip(names, (Path(file).parent for file in files), strict=True))

    segment_slides(
        folders(snakemake.params.slides, snakemake.input.tiles),
        folders(snakemake.params.slides, snakemake.output),
        folders(snakemake.params.heads, snakemake.input.models),
        palette=snakemake.params.palette,
        settings=snakemake.params.settings,
        threads=snakemake.threads,
    )
