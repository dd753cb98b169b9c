"""Imaging signature: samples of scans, networks by fold, risk, and what drew the networks to it."""

IMAGING = block("imaging")
IMAGING_SCORE = IMAGING.get("score")
TRAINS_IMAGING = study.trains_risk("imaging")
SCANNED_PATIENTS = study.risk_patients("imaging") if IMAGING else []
LEARNED_SCANS = study.learners("imaging")
SCAN_BATCHES = (
    batch_slides(study.scan_groups, size=IMAGING["scans_per_job"]) if IMAGING else {}
)
FITS_TENSORS = bool(IMAGING) and bool(study.used_scans["dwi"].notna().any())
# Patients stand for slides here.
SCANNED = Stage(
    "<results>/imaging/scans",
    SCAN_BATCHES,
    list(map(str, Prepared.beneath(Path("{slide}")))),
)
ACTIVATED = Stage(
    "<results>/imaging/activation", SCAN_BATCHES, ["{slide}/activation.safetensors"]
)
IMAGING_MODELS = risk_models("imaging")
# Found on the training cohort, and frozen; without it the median risk divides the patients.
CUTS_IMAGING = has("survival_curves") and IMAGING_SCORE in [
    *(block("survival_curves").get("scores") or [IMAGING_SCORE])
]


rule prepare_scans:
    input:
        # A touched volume re-runs nothing, a changed one does: see params.scans.
        files=lambda wildcards: [
            ancient(path)
            for patient in SCAN_BATCHES[wildcards.batch]
            for path in scan_files(patient).values()
        ],
    output:
        manifest=SCANNED.manifest,
    log:
        "<logs>/prepare_scans/{batch}.log",
    benchmark:
        "<benchmarks>/prepare_scans/{batch}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 1
    resources:
        # More than the limited processes may take in which files from elsewhere are read.
        mem_mb=scaled(28000 if FITS_TENSORS else 10000),
        runtime=minutes(SCAN_BATCHES, 30, 15 if FITS_TENSORS else 3),
    params:
        scans=lambda wildcards: {
            patient: {"files": scan_files(patient), "content": scan_content(patient)}
            for patient in SCAN_BATCHES[wildcards.batch]
        },
        settings={key: IMAGING.get(key) for key in ("maps", "sample", "unit")},
        code=code_version("prepare_scans"),
    message:
        "Cutting the tumours of scans {wildcards.batch} out of their maps"
    script:
        "../scripts/prepare_scans.py"


rule collect_scan_quality:
    input:
        scans=SCANNED.manifests(),
    output:
        table="<results>/imaging/quality.parquet",
        twin=report(
            "<results>/imaging/quality.tsv",
            caption="../report/scan_quality.rst",
            category="Imaging",
        ),
    log:
        "<logs>/collect_scan_quality.log",
    benchmark:
        "<benchmarks>/collect_scan_quality.tsv"
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        prepared=SCANNED_PATIENTS,
        cohorts={patient: study.cohorts[patient] for patient in study.scans["patient"]},
        excluded=excluded_scans(),
        maps=IMAGING.get("maps"),
        code=code_version("collect_scan_quality"),
    message:
        "Listing which scans can be used, and why others cannot"
    script:
        "../scripts/collect_scan_quality.py"


rule check_scans:
    input:
        quality=rules.collect_scan_quality.output.table,
    output:
        table="<results>/imaging/counts.parquet",
        twin="<results>/imaging/counts.tsv",
    log:
        "<logs>/check_scans.log",
    benchmark:
        "<benchmarks>/check_scans.tsv"
    # Before a training starts that would be in vain.
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        on_bad_scan=IMAGING.get("on_bad_scan"),
        code=code_version("check_scans"),
    message:
        "Checking that the scans are fit for the study"
    script:
        "../scripts/check_scans.py"


rule divide_scans:
    output:
        split="<results>/imaging/split.parquet",
        twin="<results>/imaging/split.tsv",
    log:
        "<logs>/divide_scans.log",
    benchmark:
        "<benchmarks>/divide_scans.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        # Patients who are not learned from take no part, so that adding them trains nothing.
        patients=study.outcome_pool("imaging") if TRAINS_IMAGING else [],
        own=LEARNED_SCANS,
        folds=IMAGING.get("folds"),
        seed=config["seed"],
        code=code_version("divide_by_outcome"),
    message:
        "Dividing the patients whose scans are learned from"
    script:
        "../scripts/divide_by_outcome.py"


rule train_risk:
    input:
        scans=SCANNED.manifests(LEARNED_SCANS),
        split=rules.divide_scans.output.split,
    output:
        description="<results>/imaging/models/{fold}/model.json",
        weights="<results>/imaging/models/{fold}/model.safetensors",
        history="<results>/imaging/models/{fold}/history.parquet",
        twin="<results>/imaging/models/{fold}/history.tsv",
    log:
        "<logs>/train_risk/{fold}.log",
    benchmark:
        "<benchmarks>/train_risk/{fold}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 4
    resources:
        mem_mb=scaled(16000),
        runtime=scaled(240, largest=LONGEST_MIN),
        gpu=1,
    params:
        patients=LEARNED_SCANS,
        maps=IMAGING.get("maps"),
        settings=IMAGING.get("training"),
        seed=config["seed"],
        code=code_version("train_risk"),
    message:
        "Training the imaging signature, fold {wildcards.fold}"
    script:
        "../scripts/train_risk.py"


rule score_scans:
    input:
        scans=SCANNED.manifests(),
        models=IMAGING_MODELS,
        split=rules.divide_scans.output.split if TRAINS_IMAGING else [],
    output:
        scores="<results>/imaging/scores.parquet",
        twin="<results>/imaging/scores.tsv",
    log:
        "<logs>/score_scans.log",
    benchmark:
        "<benchmarks>/score_scans.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 4
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(120),
    params:
        cohorts={patient: study.cohorts[patient] for patient in SCANNED_PATIENTS},
        folds=study.risk_folds("imaging") if IMAGING else [],
        maps=IMAGING.get("maps"),
        score=IMAGING_SCORE,
        code=code_version("score_scans"),
    message:
        "Giving every patient with a usable scan a risk"
    script:
        "../scripts/score_scans.py"


rule evaluate_risk:
    input:
        scores=rules.score_scans.output.scores,
        patients="<results>/cohort/patients.parquet",
    output:
        performance="<results>/imaging/performance.parquet",
        twin=report(
            "<results>/imaging/performance.tsv",
            caption="../report/risk_performance.rst",
            category="Imaging",
        ),
    log:
        "<logs>/evaluate_risk.log",
    benchmark:
        "<benchmarks>/evaluate_risk.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        score=IMAGING_SCORE,
        settings=IMAGING.get("evaluation"),
        seed=config["seed"],
        code=code_version("evaluate_risk"),
    message:
        "Measuring how well the imaging signature tells who dies sooner"
    script:
        "../scripts/evaluate_risk.py"


rule map_activation:
    input:
        scans=SCANNED.manifest,
        models=IMAGING_MODELS,
    output:
        manifest=ACTIVATED.manifest,
    log:
        "<logs>/map_activation/{batch}.log",
    benchmark:
        "<benchmarks>/map_activation/{batch}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 2
    resources:
        mem_mb=scaled(8000),
        runtime=minutes(SCAN_BATCHES, 30, 2),
    params:
        patients=lambda wildcards: SCAN_BATCHES[wildcards.batch],
        folds=study.risk_folds("imaging") if IMAGING else [],
        maps=IMAGING.get("maps"),
        code=code_version("map_activation"),
    message:
        "Mapping what drew the networks to their answer in scans {wildcards.batch}"
    script:
        "../scripts/map_activation.py"


rule measure_activation:
    input:
        scans=SCANNED.manifests(),
        activation=ACTIVATED.manifests(),
    output:
        activation="<results>/imaging/activation.parquet",
        activation_twin="<results>/imaging/activation.tsv",
        zones="<results>/imaging/activation_zones.parquet",
        zones_twin="<results>/imaging/activation_zones.tsv",
    log:
        "<logs>/measure_activation.log",
    benchmark:
        "<benchmarks>/measure_activation.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        patients=SCANNED_PATIENTS,
        maps=IMAGING.get("maps"),
        share=IMAGING.get("activation", {}).get("share"),
        code=code_version("measure_activation"),
    message:
        "Measuring each map where activation is highest"
    script:
        "../scripts/measure_activation.py"


rule compare_activation:
    input:
        activation=rules.measure_activation.output.activation,
        scores=rules.score_scans.output.scores,
        cuts="<results>/survival/cut_points.parquet" if CUTS_IMAGING else [],
    output:
        groups="<results>/imaging/activation_groups.parquet",
        twin=report(
            "<results>/imaging/activation_groups.tsv",
            caption="../report/activation_groups.rst",
            category="Imaging",
        ),
    log:
        "<logs>/compare_activation.log",
    benchmark:
        "<benchmarks>/compare_activation.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        score=IMAGING_SCORE,
        confidence=IMAGING.get("evaluation", {}).get("confidence"),
        code=code_version("compare_activation"),
    message:
        "Comparing the highlighted areas of patients of high and of low risk"
    script:
        "../scripts/compare_activation.py"


# Tables by the names that the summary page knows.
IMAGING_TABLES = when(
    has("imaging"),
    scan_quality="imaging/quality",
    scan_counts="imaging/counts",
    imaging_scores="imaging/scores",
    imaging_performance="imaging/performance",
    activation="imaging/activation",
    activation_zones="imaging/activation_zones",
    activation_groups="imaging/activation_groups",
) | when(TRAINS_IMAGING, imaging_split="imaging/split")
