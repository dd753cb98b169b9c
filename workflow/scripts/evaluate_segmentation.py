"""Compare the regions found with those annotated."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.regions.evaluation import evaluate_segmentation

    def folders(files: list[str]) -> dict[str, Path]:
        """Folder of each file, by slide."""
        return dict(
            zip(snakemake.params.slides, (Path(file).parent for file in files), strict=True)
        )

    evaluate_segmentation(
        folders(snakemake.input.tiles),
        folders(snakemake.input.predictions),
        Path(snakemake.input.split),
        out_metrics=Path(snakemake.output.metrics),
        out_confusion=Path(snakemake.output.confusion),
        out_agreement=Path(snakemake.output.agreement),
        out_calibration=Path(snakemake.output.calibration),
        patients=snakemake.params.patients,
        palette=snakemake.params.palette,
        seed=snakemake.params.seed,
    )
