"""Rank the trials of one network."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.learning.leaderboard import rank_trials

    folders = (Path(path).parent for path in snakemake.input.models)
    rank_trials(
        {int(folder.name): folder for folder in folders},
        Path(snakemake.output.leaderboard),
        head=snakemake.wildcards.head,
        fold=int(snakemake.wildcards.fold),
        rule=snakemake.params.rule,
        space=snakemake.params.space,
        seed=snakemake.params.seed,
    )
