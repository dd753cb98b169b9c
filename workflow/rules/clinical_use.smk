"""What a score adds to clinical covariates: nomograms, calibration, added value, decisions."""

CLINICAL = block("clinical_use")
CLINICAL_SCORES = CLINICAL.get("scores", [])
# Only where there are other cohorts than that of training.
HELD_OUT = SURVIVAL.get("cohorts", "one") != "one"
# Tables of one score, by the names that the job and the page know.
CLINICAL_TABLES = [
    "models",
    "nomogram_ticks",
    "calibration_groups",
    "calibration_curves",
    "calibration_measures",
    "optimism",
    "added_value",
    "decision_curves",
    "statements",
    "notes",
]


rule evaluate_clinically:
    input:
        patients="<results>/cohort/patients.parquet",
        scores=rules.gather_scores.output.scores,
        cohorts=rules.name_cohorts.output.cohorts,
    output:
        **{
            name: f"<results>/survival/clinical/{{score}}/{name}.parquet"
            for name in CLINICAL_TABLES
        },
        **{
            f"{name}_twin": report(
                f"<results>/survival/clinical/{{score}}/{name}.tsv",
                caption=f"../report/clinical_{name}.rst",
                category="Clinical use",
                subcategory="{score}",
            )
            for name in CLINICAL_TABLES
        },
        clinical_nomogram="<results>/survival/clinical/{score}/clinical_nomogram.json",
        score_nomogram="<results>/survival/clinical/{score}/score_nomogram.json",
    log:
        "<logs>/evaluate_clinically/{score}.log",
    benchmark:
        "<benchmarks>/evaluate_clinically/{score}.tsv"
    wildcard_constraints:
        score=any_of(CLINICAL_SCORES),
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(120),
    params:
        tables=CLINICAL_TABLES,
        covariates=CLINICAL.get("covariates", list(config["cohort"]["covariates"])),
        declared=config["cohort"]["covariates"],
        measure=config["areas"]["measure"],
        settings={
            **{key: CLINICAL.get(key) for key in ("cuts", "groups", "bootstraps")},
            "confidence": SURVIVAL.get("confidence"),
            "seed": config["seed"],
        },
        years=CLINICAL.get("years"),
        code=code_version("evaluate_clinically"),
    message:
        "Weighing what {wildcards.score} adds to the clinical covariates"
    script:
        "../scripts/evaluate_clinically.py"


rule draw_clinical_use:
    input:
        **{
            name: getattr(rules.evaluate_clinically.output, name)
            for name in CLINICAL_TABLES
        },
        clinical_nomogram=rules.evaluate_clinically.output.clinical_nomogram,
        score_nomogram=rules.evaluate_clinically.output.score_nomogram,
    output:
        **figure("clinical_nomogram", "Clinical use", "_{score}"),
        **figure("score_nomogram", "Clinical use", "_{score}"),
        **figure("clinical_calibration", "Clinical use", "_{score}"),
        **figure("added_value", "Clinical use", "_{score}"),
        **figure("decision_curves", "Clinical use", "_{score}"),
        **(
            {
                **figure("held_out_calibration", "Clinical use", "_{score}"),
                **figure("held_out_decisions", "Clinical use", "_{score}"),
            }
            if HELD_OUT
            else {}
        ),
    log:
        "<logs>/draw_clinical_use/{score}.log",
    benchmark:
        "<benchmarks>/draw_clinical_use/{score}.tsv"
    wildcard_constraints:
        score=any_of(CLINICAL_SCORES),
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        held_out=HELD_OUT,
        confidence=SURVIVAL.get("confidence"),
        bootstraps=CLINICAL.get("bootstraps"),
        code=code_version("draw_clinical_use"),
    message:
        "Drawing what {wildcards.score} adds to the clinical covariates"
    script:
        "../scripts/draw_clinical_use.py"
