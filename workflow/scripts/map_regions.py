"""Draw the region maps of a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide, each_slide, made_from
    from histoniche.regions.maps import map_regions

    manifest, params = Path(snakemake.output.manifest), snakemake.params
    predictions, inspected = [snakemake.input.predictions], snakemake.input.inspected
    found, seen = made_from(predictions), made_from(inspected)
    sources = {
        slide: [found[slide], seen[slide], params.palette, params.settings, params.code]
        for slide in params.slides
    }
    stores = by_slide(predictions, params.slides, "{slide}.zarr")
    thumbnails = by_slide(inspected, params.slides, "{slide}/thumbnail.png")
    outs = {
        slide: {
            "out_map": folder / "map.ome.zarr",
            "out_geojson": folder / "regions.geojson",
            "out_overlay": folder / "overlay.png",
            "out_areas": folder / "areas.json",
        }
        for slide, folder in by_slide([manifest], params.slides, "{slide}").items()
    }
    for slide in each_slide(manifest, sources, lambda slide: outs[slide].values()):
        map_regions(
            stores[slide],
            thumbnails[slide],
            **outs[slide],
            palette=params.palette,
            tolerance_um=params.settings["tolerance_um"],
        )
