"""Draw the region maps of a batch of slides."""

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import Batch, made_from
    from histoniche.regions.maps import map_regions

    params, inspected = snakemake.params, snakemake.input.inspected
    batch, predictions = (
        Batch(snakemake.output.manifest, params.slides),
        [snakemake.input.predictions],
    )
    stores = batch.of(predictions, "{slide}.zarr")
    thumbnails = batch.of(inspected, "{slide}/thumbnail.png")
    outs = {
        "out_map": batch.outs("{slide}/map.ome.zarr"),
        "out_geojson": batch.outs("{slide}/regions.geojson"),
        "out_overlay": batch.outs("{slide}/overlay.png"),
        "out_areas": batch.outs("{slide}/areas.json"),
    }
    for slide in batch.left(
        lambda slide: [own[slide] for own in outs.values()],
        *(made_from(predictions), made_from(inspected)),
        shared=[params.palette, params.settings, params.code],
    ):
        map_regions(
            stores[slide],
            thumbnails[slide],
            **{name: own[slide] for name, own in outs.items()},
            palette=params.palette,
            tolerance_um=params.settings["tolerance_um"],
        )
