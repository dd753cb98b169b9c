"""Draw Cox models: hazard ratios, how well they predict, and what they take for granted."""

from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.report.figures.assumptions import draw_functional_form, draw_schoenfeld
    from histoniche.report.figures.forest import draw_models_forest
    from histoniche.report.figures.performance import draw_auc, draw_brier

    tables = {name: Path(path) for name, path in snakemake.input.items()}
    level = {"confidence": snakemake.params.confidence}
    forest = Path(snakemake.output.models_forest)
    draw_models_forest(tables["coefficients"], tables["tests"], **level, forest_figure=forest)
    measured = tables["performance"], tables["curves"]
    draw_auc(*measured, **level, auc_figure=Path(snakemake.output.models_auc))
    draw_brier(*measured, **level, brier_figure=Path(snakemake.output.models_brier))
    checked = snakemake.params.checked
    for model, path in zip(checked, snakemake.output.schoenfeld, strict=True):
        draw_schoenfeld(
            *(tables[name] for name in ("proportionality", "residuals", "smooths")),
            model=model,
            **level,
            schoenfeld_figure=Path(path),
        )
    for model, path in zip(checked, snakemake.output.functional_form, strict=True):
        draw_functional_form(
            *(tables[name] for name in ("forms", "form_points", "form_curves")),
            model=model,
            **level,
            form_figure=Path(path),
        )
