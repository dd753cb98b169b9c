"""Score patients by the mean expression of the genes of the sets behind a score."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.external_cohorts import External
    from histoniche.omics.pathway_expression import score_pathways

    libraries = zip(snakemake.params.libraries, snakemake.input.gene_sets, strict=True)
    sheets = zip(snakemake.input.external, snakemake.input.followed, strict=True)
    external = {
        name: External(Path(expression), Path(patients), **settings)
        for (name, settings), (expression, patients) in zip(
            snakemake.params.external.items(), sheets, strict=True
        )
    }
    score_pathways(
        Path(snakemake.input.expression),
        Path(snakemake.input.correlation),
        {name: Path(path) for name, path in libraries},
        external,
        genes=Path(snakemake.input.genes),
        choice=Path(snakemake.input.choice),
        cohorts=Path(snakemake.input.cohorts),
        scores=Path(snakemake.output.scores),
        members=Path(snakemake.output.members),
        decisions=Path(snakemake.output.decisions),
        **snakemake.params.settings,
    )
