"""Draw survival on the two sides of every score's cut-point."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.cut_points import draw_cut_search
    from histoniche.report.figures.survival_groups import draw_score_groups

    palette = [Region(**entry) for entry in snakemake.params.palette]
    measure = snakemake.params.measure
    draw_score_groups(
        Path(snakemake.input.groups),
        Path(snakemake.input.curves),
        Path(snakemake.input.cuts),
        palette,
        measure=measure,
        score_groups=Path(snakemake.output.score_groups),
    )
    cut_search = snakemake.output.get("cut_search")
    if cut_search:
        draw_cut_search(
            Path(snakemake.input.search),
            Path(snakemake.input.cuts),
            palette,
            measure=measure,
            cut_search=Path(cut_search),
        )
