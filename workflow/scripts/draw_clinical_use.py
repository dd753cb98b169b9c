"""Draw what one score adds to the clinical covariates."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.added_value import draw_added_value
    from histoniche.report.figures.calibration import draw_calibration
    from histoniche.report.figures.decision_curve import draw_decision_curves
    from histoniche.report.figures.nomogram import draw_nomogram
    from histoniche.survival.cohorts import TRAINING

    given = {name: Path(path) for name, path in snakemake.input.items()}
    drawn = {name: Path(path) for name, path in snakemake.output.items()}
    level = {"confidence": snakemake.params.confidence}
    for name in ("clinical_nomogram", "score_nomogram"):
        draw_nomogram(given[name], figure=drawn[name])
    draw_added_value(given["added_value"], figure=drawn["added_value"], **level)
    cohorts = {TRAINING: ("clinical_calibration", "decision_curves")}
    if snakemake.params.held_out:
        cohorts[None] = ("held_out_calibration", "held_out_decisions")
    for cohort, (calibration, decisions) in cohorts.items():
        draw_calibration(
            *(given[f"calibration_{name}"] for name in ("groups", "curves", "measures")),
            given["optimism"],
            cohort=cohort,
            bootstraps=snakemake.params.bootstraps,
            figure=drawn[calibration],
            **level,
        )
        draw_decision_curves(
            given["decision_curves"], cohort=cohort, figure=drawn[decisions], **level
        )
