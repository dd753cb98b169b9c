"""Draw where networks look in patients of high and of low risk."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide
    from histoniche.report.figures.class_activation import draw_activation

    given, params = snakemake.input, snakemake.params
    draw_activation(
        Path(given.scores),
        Path(given.patients),
        by_slide(given.scans, params.patients, "{slide}/sample.safetensors"),
        by_slide(given.activation, params.patients, "{slide}/activation.safetensors"),
        score=params.score,
        maps=params.maps,
        number=params.number,
        activation_figure=Path(snakemake.output.imaging_activation),
    )
