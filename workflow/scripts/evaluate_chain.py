"""Set a chain of networks against a single one."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.manifests import by_slide, of_stage
    from histoniche.traits.chain_evaluation import evaluate_chain

    steps, rounds = snakemake.params.steps, snakemake.params.rounds
    found = {
        trait: {
            number: by_slide(
                of_stage(snakemake.input.predictions, tiling),
                snakemake.params.slides,
                f"{{slide}}/{trait}/{number}.zarr",
            )
            for number in rounds
        }
        for trait, tiling in snakemake.params.tilings.items()
    }
    evaluate_chain(
        {trait: found[trait] for trait in steps},
        found[snakemake.params.single],
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
