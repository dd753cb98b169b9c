"""Gather every score of the patients whose link to survival is studied."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.scores import gather_scores

    given = {
        name: Path(snakemake.input[name]) if snakemake.input[name] else None
        for name in ("table", "expression", "activity", "heterogeneity")
    }
    gather_scores(
        **given,
        scores=Path(snakemake.output.scores),
        genes=snakemake.params.genes,
        gene_sets=snakemake.params.gene_sets,
    )
