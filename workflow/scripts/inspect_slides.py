"""Inspect a batch of slides."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import fingerprints
    from histoniche.manifests import Batch
    from histoniche.slides.inspected import Inspected
    from histoniche.slides.inspection import inspect_slide
    from histoniche.slides.presence import check_here

    rows, params = snakemake.params.slides, snakemake.params
    batch = Batch(snakemake.output.manifest, rows)
    masks = {slide: next(map(Path, row["tissue_mask"]), None) for slide, row in rows.items()}
    known = {slide: [row["content"], row["mpp"]] for slide, row in rows.items()}
    outs = {slide: Inspected.beneath(folder) for slide, folder in batch.outs("{slide}").items()}
    shared = [params.settings, params.code]
    for slide in batch.left(outs.__getitem__, known, fingerprints(masks), shared=shared):
        check_here(Path(rows[slide]["path"]))
        inspect_slide(
            Path(rows[slide]["path"]),
            outs[slide],
            slide=slide,
            mpp=rows[slide]["mpp"],
            tissue_mask=masks[slide],
            settings=params.settings,
        )
