"""Draw survival by limits that are stated in advance."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.survival_groups import draw_stated_groups

    draw_stated_groups(
        Path(snakemake.input.groups),
        Path(snakemake.input.curves),
        [Region(**entry) for entry in snakemake.params.palette],
        measure=snakemake.params.measure,
        stated_groups=Path(snakemake.output.stated_groups),
    )
