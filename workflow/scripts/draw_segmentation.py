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
        [Region(**entry) for entry in snakemake.params.palette],
        overlap_figure=Path(snakemake.output.overlap),
        confusion_figure=Path(snakemake.output.confusion),
        agreement_figure=Path(snakemake.output.agreement),
    )
    # Models that were brought along have no history.
    if snakemake.input.histories:
        draw_training(
            {Path(path).parent.name: Path(path) for path in snakemake.input.histories},
            Path(snakemake.output.training),
        )
