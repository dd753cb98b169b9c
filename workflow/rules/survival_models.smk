"""Cox models of covariates and scores: fitted once, measured on every cohort, and checked."""

SURVIVAL_MODELS = block("survival_models").get("models", {})
# What is tested of a model holds at the maximum of the likelihood, where no penalty leads.
CHECKED_MODELS = [
    name for name, model in SURVIVAL_MODELS.items() if not model["penalty"]
]


rule evaluate_models:
    input:
        patients="<results>/cohort/patients.parquet",
        cohorts=rules.name_cohorts.output.cohorts,
        scores=rules.gather_scores.output.scores,
    output:
        performance="<results>/survival/model_performance.parquet",
        performance_twin=report(
            "<results>/survival/model_performance.tsv",
            caption="../report/model_performance.rst",
            category="Survival",
        ),
        differences="<results>/survival/model_differences.parquet",
        differences_twin=report(
            "<results>/survival/model_differences.tsv",
            caption="../report/model_differences.rst",
            category="Survival",
        ),
        coefficients="<results>/survival/model_coefficients.parquet",
        coefficients_twin=report(
            "<results>/survival/model_coefficients.tsv",
            caption="../report/model_coefficients.rst",
            category="Survival",
        ),
        tests="<results>/survival/model_tests.parquet",
        tests_twin="<results>/survival/model_tests.tsv",
        curves="<results>/survival/model_curves.parquet",
        curves_twin="<results>/survival/model_curves.tsv",
        risks="<results>/survival/model_risks.parquet",
        risks_twin="<results>/survival/model_risks.tsv",
        fitted="<results>/survival/models.json",
    log:
        "<logs>/evaluate_models.log",
    benchmark:
        "<benchmarks>/evaluate_models.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        models=SURVIVAL_MODELS,
        declared=config["cohort"]["covariates"],
        measure=config["areas"]["measure"],
        settings={
            "years": block("survival_models").get("years"),
            "samples": block("survival_models").get("bootstraps"),
            "confidence": SURVIVAL.get("confidence"),
            "seed": config["seed"],
        },
        code=code_version("evaluate_models"),
    message:
        "Fitting Cox models on the training cohort and measuring them on every cohort"
    script:
        "../scripts/evaluate_models.py"


rule check_assumptions:
    input:
        patients="<results>/cohort/patients.parquet",
        cohorts=rules.name_cohorts.output.cohorts,
        scores=rules.gather_scores.output.scores,
        fitted=rules.evaluate_models.output.fitted,
    output:
        proportionality="<results>/survival/model_proportionality.parquet",
        proportionality_twin=report(
            "<results>/survival/model_proportionality.tsv",
            caption="../report/model_proportionality.rst",
            category="Survival",
        ),
        residuals="<results>/survival/model_residuals.parquet",
        residuals_twin="<results>/survival/model_residuals.tsv",
        smooths="<results>/survival/model_smooths.parquet",
        smooths_twin="<results>/survival/model_smooths.tsv",
        forms="<results>/survival/model_forms.parquet",
        forms_twin=report(
            "<results>/survival/model_forms.tsv",
            caption="../report/model_forms.rst",
            category="Survival",
        ),
        form_points="<results>/survival/model_form_points.parquet",
        form_points_twin="<results>/survival/model_form_points.tsv",
        form_curves="<results>/survival/model_form_curves.parquet",
        form_curves_twin="<results>/survival/model_form_curves.tsv",
    log:
        "<logs>/check_assumptions.log",
    benchmark:
        "<benchmarks>/check_assumptions.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        models=SURVIVAL_MODELS,
        declared=config["cohort"]["covariates"],
        settings={
            "knots": block("survival_models").get("knots"),
            "confidence": SURVIVAL.get("confidence"),
        },
        code=code_version("check_assumptions"),
    message:
        "Testing what the Cox models take for granted"
    script:
        "../scripts/check_assumptions.py"


rule draw_survival_models:
    input:
        performance=rules.evaluate_models.output.performance,
        coefficients=rules.evaluate_models.output.coefficients,
        tests=rules.evaluate_models.output.tests,
        curves=rules.evaluate_models.output.curves,
        proportionality=rules.check_assumptions.output.proportionality,
        residuals=rules.check_assumptions.output.residuals,
        smooths=rules.check_assumptions.output.smooths,
        forms=rules.check_assumptions.output.forms,
        form_points=rules.check_assumptions.output.form_points,
        form_curves=rules.check_assumptions.output.form_curves,
    output:
        **figure("models_forest", "Survival"),
        **figure("models_auc", "Survival"),
        **figure("models_brier", "Survival"),
        **figures("schoenfeld", "Survival", CHECKED_MODELS),
        **figures("functional_form", "Survival", CHECKED_MODELS),
    log:
        "<logs>/draw_survival_models.log",
    benchmark:
        "<benchmarks>/draw_survival_models.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        checked=CHECKED_MODELS,
        confidence=SURVIVAL.get("confidence"),
        code=code_version("draw_survival_models"),
    message:
        "Drawing the Cox models and how well they predict"
    script:
        "../scripts/draw_survival_models.py"
