"""Cut a batch of slides into tiles."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import fingerprint, fingerprints
    from histoniche.manifests import Batch, made_from
    from histoniche.slides.inspected import Inspected
    from histoniche.slides.presence import check_here
    from histoniche.slides.tiling import tile_slide

    rows, params = snakemake.params.slides, snakemake.params
    batch, inspected = Batch(snakemake.output.manifest, rows), [snakemake.input.inspected]
    stores, folders = batch.outs("{slide}.zarr"), batch.of(inspected, "{slide}")
    annotations = {slide: next(map(Path, row["annotation"]), None) for slide, row in rows.items()}
    palettes = {slide: row["palette"] for slide, row in rows.items()}
    reference = [fingerprint(Path(path)) for path in snakemake.input.reference]
    for slide in batch.left(
        lambda slide: [stores[slide] / "zarr.json"],
        *(made_from(inspected), palettes, params.verdicts, fingerprints(annotations)),
        shared=[params.tiling, reference, params.code],
    ):
        check_here(Path(rows[slide]["path"]))
        found = Inspected.beneath(folders[slide])
        tile_slide(
            Path(rows[slide]["path"]),
            found.report,
            found.tissue,
            found.artefacts,
            stores[slide],
            slide=slide,
            annotation=annotations[slide],
            palette=palettes[slide],
            tiling=params.tiling,
            verdict=params.verdicts[slide],
            threads=snakemake.threads,
        )
