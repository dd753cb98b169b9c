"""Draw how one trait was learned, and how well it is told."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.training import draw_learning_curves
    from histoniche.report.figures.trait_roc import draw_trait_confusion, draw_trait_roc

    trait = snakemake.wildcards.trait
    named = {"trait": trait, "classes": snakemake.params.classes}
    draw_trait_roc(
        Path(snakemake.input.roc),
        Path(snakemake.input.metrics),
        roc_figure=Path(snakemake.output.trait_roc),
        **named,
    )
    draw_trait_confusion(
        Path(snakemake.input.confusion),
        confusion_figure=Path(snakemake.output.trait_confusion),
        **named,
    )
    histories = map(Path, snakemake.input.histories)
    draw_learning_curves(
        [(trait, *one) for one in zip(snakemake.params.rounds, histories, strict=True)],
        Path(snakemake.output.trait_training),
        measure=snakemake.params.measure,
        label="AUC, validation slides",
        monitor=snakemake.params.monitor,
        title=str,
        division="rounds",
    )
