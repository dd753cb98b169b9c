"""Draw what networks look at, in patients of high and of low risk."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.activation_groups import (
        draw_activation_groups,
        draw_activation_zones,
    )

    given, params = snakemake.input, snakemake.params
    scores, groups = Path(given.scores), Path(given.groups)
    draw_activation_groups(
        Path(given.activation),
        scores,
        groups,
        score=params.score,
        maps=params.maps,
        share=params.share,
        groups_figure=Path(snakemake.output.imaging_activation_groups),
    )
    draw_activation_zones(
        Path(given.zones),
        scores,
        groups,
        score=params.score,
        zones_figure=Path(snakemake.output.imaging_activation_zones),
    )
