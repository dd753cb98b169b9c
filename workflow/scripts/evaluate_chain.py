"""Set a chain of networks against a single one."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.files import folders_by
    from histoniche.traits.chain_evaluation import evaluate_chain

    steps, rounds = snakemake.params.steps, snakemake.params.rounds
    slides = snakemake.params.slides
    evaluate_chain(
        folders_by((list(steps), rounds, slides), snakemake.input.steps),
        folders_by((rounds, slides), snakemake.input.single),
        Path(snakemake.input.labels),
        Path(snakemake.input.rounds),
        metrics=Path(snakemake.output.metrics),
        comparison=Path(snakemake.output.comparison),
        name=snakemake.wildcards.chain,
        chain=steps,
        classes=snakemake.params.classes,
        score=snakemake.params.score,
        test=snakemake.params.test,
        seed=snakemake.params.seed,
    )
