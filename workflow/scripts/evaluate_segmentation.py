"""Compare the regions found with those annotated."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_of
    from histoniche.regions.evaluation import evaluate_segmentation

    evaluate_segmentation(
        folders_of(snakemake.params.slides, snakemake.input.tiles),
        folders_of(snakemake.params.slides, snakemake.input.predictions),
        Path(snakemake.input.split),
        out_metrics=Path(snakemake.output.metrics),
        out_confusion=Path(snakemake.output.confusion),
        out_agreement=Path(snakemake.output.agreement),
        out_calibration=Path(snakemake.output.calibration),
        patients=snakemake.params.patients,
        palette=snakemake.params.palette,
        seed=snakemake.params.seed,
    )
