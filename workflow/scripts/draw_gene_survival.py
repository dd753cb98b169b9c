"""Draw a survival scan over all genes."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.survival_scan import draw_survival_scan

    draw_survival_scan(
        Path(snakemake.input.scan),
        test=snakemake.wildcards.test,
        volcano=Path(snakemake.output.volcano),
        **snakemake.params.settings,
    )
