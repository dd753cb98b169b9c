"""Draw the ligand-receptor pairs."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.interactions import draw_interactions

    draw_interactions(
        Path(snakemake.input.interactions),
        Path(snakemake.input.summary),
        threshold=snakemake.params.threshold,
        dots=Path(snakemake.output.interactions),
        network=Path(snakemake.output.interaction_network),
    )
