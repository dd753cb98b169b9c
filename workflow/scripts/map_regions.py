"""Draw the region map of one slide."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.regions.maps import map_regions

    map_regions(
        Path(snakemake.input.predictions).parent,
        Path(snakemake.input.thumbnail),
        out_map=Path(snakemake.output.map).parent,
        out_geojson=Path(snakemake.output.geojson),
        out_overlay=Path(snakemake.output.overlay),
        out_areas=Path(snakemake.output.areas),
        palette=snakemake.params.palette,
        tolerance_um=snakemake.params.settings["tolerance_um"],
    )
