"""Score ligands and receptors between the cell types."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.interactions import find_interactions

    settings = dict(snakemake.params.settings)
    find_interactions(
        Path(snakemake.input.matrix),
        Path(snakemake.input.pairs),
        Path(snakemake.input.signatures),
        interactions=Path(snakemake.output.interactions),
        summary=Path(snakemake.output.summary),
        decisions=Path(snakemake.output.decisions),
        # An empty list in the configuration stands for all.
        chosen=settings.pop("signatures") or None,
        receivers=settings.pop("receivers") or None,
        **settings,
    )
