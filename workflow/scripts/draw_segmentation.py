"""Draw accuracy and training of the networks."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.segmentation import draw_segmentation, draw_training

    draw_segmentation(
        Path(snakemake.input.metrics),
        Path(snakemake.input.confusion),
        Path(snakemake.input.agreement),
        Path(snakemake.input.calibration),
        [Region(**entry) for entry in snakemake.params.palette],
        overlap_figure=Path(snakemake.output.overlap),
        confusion_figure=Path(snakemake.output.confusion),
        agreement_figure=Path(snakemake.output.agreement),
        calibration_figure=Path(snakemake.output.calibration),
    )
    # Models that were brought along have no history.
    if snakemake.input.histories:
        histories = (Path(path) for path in snakemake.input.histories)
        draw_training(
            [(path.parts[-3], int(path.parts[-2]), path) for path in histories],
            Path(snakemake.output.training),
        )
