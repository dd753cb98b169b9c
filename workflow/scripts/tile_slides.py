"""Cut a batch of slides into tiles."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import fingerprint
    from histoniche.manifests import by_slide, each_slide, made_from
    from histoniche.slides.inspected import Inspected
    from histoniche.slides.presence import check_here
    from histoniche.slides.tiling import tile_slide

    manifest, rows = Path(snakemake.output.manifest), snakemake.params.slides
    tiling, verdicts = snakemake.params.tiling, snakemake.params.verdicts
    inspected = [snakemake.input.inspected]
    judged = made_from(inspected)
    reference = [fingerprint(Path(path)) for path in snakemake.input.reference]
    annotations = {slide: next(map(Path, row["annotation"]), None) for slide, row in rows.items()}
    sources = {
        slide: [
            *(judged[slide], row["palette"], verdicts[slide], tiling, snakemake.params.code),
            annotations[slide] and fingerprint(annotations[slide]),
            reference,
        ]
        for slide, row in rows.items()
    }
    stores = by_slide([manifest], rows, "{slide}.zarr")
    folders = by_slide(inspected, rows, "{slide}")
    for slide in each_slide(manifest, sources, lambda slide: [stores[slide] / "zarr.json"]):
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
            palette=rows[slide]["palette"],
            tiling=tiling,
            verdict=verdicts[slide],
            threads=snakemake.threads,
        )
