"""Slide signature: a risk from the features of all tiles of a patient, learned from survival."""

SLIDE_SIGNATURE = block("slide_signature")
TRAINS_SLIDES = study.trains_risk("slide_signature")
SIGNED_PATIENTS = study.risk_patients("slide_signature") if SLIDE_SIGNATURE else []
SLIDE_LEARNERS = set(study.learners("slide_signature"))
SIGNATURE_SLIDES = [
    slide for slide in LEARNED_SLIDES if slide_row(slide).patient in SLIDE_LEARNERS
]


use rule divide_scans as divide_slide_signature with:
    output:
        split="<results>/slide_signature/split.parquet",
        twin="<results>/slide_signature/split.tsv",
    log:
        "<logs>/divide_slide_signature.log",
    benchmark:
        "<benchmarks>/divide_slide_signature.tsv"
    params:
        patients=study.outcome_pool("slide_signature") if TRAINS_SLIDES else [],
        own=sorted(SLIDE_LEARNERS),
        folds=SLIDE_SIGNATURE.get("folds"),
    message:
        "Dividing the patients whose slides are learned from"


rule train_slide_signature:
    input:
        features=signature_features(SIGNATURE_SLIDES),
        split=rules.divide_slide_signature.output.split,
    output:
        description="<results>/slide_signature/models/{fold}/model.json",
        weights="<results>/slide_signature/models/{fold}/model.safetensors",
        history="<results>/slide_signature/models/{fold}/history.parquet",
        twin="<results>/slide_signature/models/{fold}/history.tsv",
    log:
        "<logs>/train_slide_signature/{fold}.log",
    benchmark:
        "<benchmarks>/train_slide_signature/{fold}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 4
    resources:
        mem_mb=scaled(16000),
        runtime=scaled(240),
        gpu=1,
    params:
        owners=owners(SIGNATURE_SLIDES),
        settings=SLIDE_SIGNATURE.get("training"),
        seed=config["seed"],
        code=code_version("train_slide_signature"),
    message:
        "Training the slide signature, fold {wildcards.fold}"
    script:
        "../scripts/train_slide_signature.py"


rule score_slide_signature:
    input:
        features=signature_features(),
        models=risk_models("slide_signature"),
        split=rules.divide_slide_signature.output.split if TRAINS_SLIDES else [],
    output:
        scores="<results>/slide_signature/scores.parquet",
        twin="<results>/slide_signature/scores.tsv",
    log:
        "<logs>/score_slide_signature.log",
    benchmark:
        "<benchmarks>/score_slide_signature.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 2
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(120),
    params:
        owners=owners(USED_SLIDES) if SLIDE_SIGNATURE else {},
        cohorts={patient: study.cohorts[patient] for patient in SIGNED_PATIENTS},
        folds=study.risk_folds("slide_signature") if SLIDE_SIGNATURE else [],
        score=SLIDE_SIGNATURE.get("score"),
        code=code_version("score_slide_signature"),
    message:
        "Giving every patient with a slide a risk"
    script:
        "../scripts/score_slide_signature.py"


use rule evaluate_risk as evaluate_slide_signature with:
    input:
        scores=rules.score_slide_signature.output.scores,
        patients="<results>/cohort/patients.parquet",
    output:
        performance="<results>/slide_signature/performance.parquet",
        twin=report(
            "<results>/slide_signature/performance.tsv",
            caption="../report/risk_performance.rst",
            category="Slide signature",
        ),
    log:
        "<logs>/evaluate_slide_signature.log",
    benchmark:
        "<benchmarks>/evaluate_slide_signature.tsv"
    params:
        score=SLIDE_SIGNATURE.get("score"),
        settings=SLIDE_SIGNATURE.get("evaluation"),
    message:
        "Measuring how well the slide signature tells who dies sooner"


# Tables by the names that the summary page knows.
SLIDE_SIGNATURE_TABLES = when(
    has("slide_signature"),
    slide_signature_scores="slide_signature/scores",
    slide_signature_performance="slide_signature/performance",
) | when(TRAINS_SLIDES, slide_signature_split="slide_signature/split")
