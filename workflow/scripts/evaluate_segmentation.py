"""Compare the regions found with those annotated."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.regions.evaluation import evaluate_segmentation

    slides = snakemake.params.slides
    evaluate_segmentation(
        by_slide(snakemake.input.tiles, slides, "{slide}.zarr"),
        by_slide(snakemake.input.predictions, slides, "{slide}.zarr"),
        Path(snakemake.input.split),
        out_metrics=Path(snakemake.output.metrics),
        out_confusion=Path(snakemake.output.confusion),
        out_agreement=Path(snakemake.output.agreement),
        out_calibration=Path(snakemake.output.calibration),
        patients=snakemake.params.patients,
        palette=snakemake.params.palette,
        seed=snakemake.params.seed,
    )
