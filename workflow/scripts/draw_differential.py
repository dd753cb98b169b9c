"""Draw the comparisons between groups of patients."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.differential import draw_differential

    draw_differential(
        Path(snakemake.input.differential),
        Path(snakemake.input.groups),
        volcano=Path(snakemake.output.volcano),
        labelled=snakemake.params.labelled,
        rule=snakemake.params.differing,
        unit=snakemake.params.unit,
    )
