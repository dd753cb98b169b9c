"""Draw survival by region area."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.palette import Region
    from histoniche.report.figures.area_survival import draw_area_survival
    from histoniche.report.figures.cox import draw_cox
    from histoniche.report.figures.survival import draw_kaplan_meier

    palette = [Region(**entry) for entry in snakemake.params.palette]
    settings = {key: snakemake.params[key] for key in ("measure", "confidence")}
    draw_kaplan_meier(
        Path(snakemake.input.curves),
        Path(snakemake.input.groups),
        palette,
        kaplan_meier=Path(snakemake.output.kaplan_meier),
        **settings,
    )
    draw_cox(Path(snakemake.input.cox), palette, cox_figure=Path(snakemake.output.cox), **settings)
    draw_area_survival(
        Path(snakemake.input.correlation),
        palette,
        area_survival=Path(snakemake.output.area_survival),
    )
