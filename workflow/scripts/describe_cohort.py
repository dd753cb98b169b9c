"""Write how a public cohort came about: who is in it, and what was fetched when."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.sources.description import describe_cohort
    from histoniche.report.figures.cohort_flow import draw_cohort_flow

    describe_cohort(
        Path(snakemake.input.flow).parent,
        **{
            name: Path(snakemake.output[name]) for name in ("flow", "decisions", "fetched", "rules")
        },
    )
    draw_cohort_flow(Path(snakemake.input.flow), figure=Path(snakemake.output.cohort_flow))
