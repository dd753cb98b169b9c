"""Look the signatures up in single cells."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.cell_signatures import describe_signatures

    describe_signatures(
        Path(snakemake.input.matrix),
        Path(snakemake.input.signatures),
        by_type=Path(snakemake.output.by_type),
        by_patient=Path(snakemake.output.by_patient),
        genes=Path(snakemake.output.genes),
        scores=Path(snakemake.output.scores),
        score_means=Path(snakemake.output.score_means),
        **snakemake.params.settings,
    )
