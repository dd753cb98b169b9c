"""Find the cut-point of the mean expression of pathways and carry it to other cohorts."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.survival.carried_scores import carry_score

    sheets = zip(snakemake.params.external, snakemake.input.followed, strict=True)
    carry_score(
        Path(snakemake.input.scores),
        Path(snakemake.input.patients),
        Path(snakemake.input.cohorts),
        {name: (Path(path), unit) for (name, unit), path in sheets},
        cuts=Path(snakemake.output.cuts),
        search=Path(snakemake.output.search),
        groups=Path(snakemake.output.groups),
        curves=Path(snakemake.output.curves),
        **snakemake.params.settings,
    )
