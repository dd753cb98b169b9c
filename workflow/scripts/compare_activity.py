"""Compare the activities of gene sets between groups of patients."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.omics.activity_groups import compare_activity, group_patients

    comparisons = snakemake.input.comparisons
    groups = Path(snakemake.output.groups)
    group_patients(
        Path(snakemake.input.patients),
        Path(comparisons) if comparisons else None,
        covariates=snakemake.params.covariates,
        groups=groups,
    )
    compare_activity(
        Path(snakemake.input.activity),
        groups,
        comparison=Path(snakemake.output.comparison),
        **snakemake.params.settings,
    )
