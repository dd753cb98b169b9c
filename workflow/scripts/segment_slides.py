"""Find the regions of a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import sha256
    from histoniche.manifests import by_slide, each_slide, made_from
    from histoniche.regions.application import segment_slides

    manifest, params = Path(snakemake.output.manifest), snakemake.params
    patients, tiles = params.patients, snakemake.input.tiles
    files = list(map(Path, snakemake.input.models))
    models = iter(file.parent for file in files)
    cut = made_from(tiles)
    shared = [
        *(params.heads, params.palette, params.settings, params.code),
        [sha256(file) for file in files],
    ]
    sources = {slide: [cut[slide], patient, *shared] for slide, patient in patients.items()}
    outs = by_slide([manifest], patients, "{slide}.zarr")
    segment_slides(
        by_slide(tiles, patients, "{slide}.zarr"),
        outs,
        {head: [next(models) for _ in names] for head, names in params.heads.items()},
        patients=patients,
        palette=params.palette,
        settings=params.settings,
        threads=snakemake.threads,
        slides=each_slide(manifest, sources, lambda slide: [outs[slide] / "zarr.json"]),
    )
