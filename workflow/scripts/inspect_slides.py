"""Inspect a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import fingerprint
    from histoniche.manifests import each_slide
    from histoniche.slides.inspected import Inspected
    from histoniche.slides.inspection import inspect_slide
    from histoniche.slides.presence import check_here

    manifest = Path(snakemake.output.manifest)
    rows, settings = snakemake.params.slides, snakemake.params.settings
    masks = {slide: next(map(Path, row["tissue_mask"]), None) for slide, row in rows.items()}
    sources = {
        slide: [
            *(row["content"], row["mpp"], settings, snakemake.params.code),
            masks[slide] and fingerprint(masks[slide]),
        ]
        for slide, row in rows.items()
    }
    outputs = {slide: Inspected.beneath(manifest.parents[1] / slide) for slide in rows}
    for slide in each_slide(manifest, sources, outputs.__getitem__):
        check_here(Path(rows[slide]["path"]))
        inspect_slide(
            Path(rows[slide]["path"]),
            outputs[slide],
            slide=slide,
            mpp=rows[slide]["mpp"],
            tissue_mask=masks[slide],
            settings=settings,
        )
