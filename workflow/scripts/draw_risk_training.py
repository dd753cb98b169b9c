"""Draw the learning curves of networks that learned a risk."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.training import draw_learning_curves

    params, histories = snakemake.params, map(Path, snakemake.input.histories)
    draw_learning_curves(
        [(params.score, *one) for one in zip(params.folds, histories, strict=True)],
        Path(snakemake.output.risk_training),
        measure="validation_concordance",
        label="Concordance, validation patients",
        monitor=params.monitor,
        title=str,
        division="folds",
        note="Training and validation are not on one scale: of more patients the loss is larger.",
    )
