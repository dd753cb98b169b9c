"""Find the traits on the tiles of a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import sha256
    from histoniche.manifests import by_slide, each_slide, made_from
    from histoniche.traits.application import classify_slides

    manifest, params = Path(snakemake.output.manifest), snakemake.params
    slides, tiles = params.slides, snakemake.input.tiles
    networks = [f"{trait}/{number}" for trait, own in params.rounds.items() for number in own]
    files = dict(zip(networks, map(Path, snakemake.input.models), strict=True))
    cut, models = made_from(tiles), {name: sha256(file) for name, file in files.items()}
    outs = {
        slide: {name: folder / f"{name}.zarr" for name in networks}
        for slide, folder in by_slide([manifest], slides, "{slide}").items()
    }
    classify_slides(
        by_slide(tiles, slides, "{slide}.zarr"),
        outs,
        {name: file.parent for name, file in files.items()},
        threads=snakemake.threads,
        slides=each_slide(
            manifest,
            {slide: [cut[slide], models, params.code] for slide in slides},
            lambda slide: [folder / "zarr.json" for folder in outs[slide].values()],
        ),
    )
