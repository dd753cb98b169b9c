"""Figures of signatures of risk: scans, concordance, risks, and what networks look at."""

# Those of them whose networks are trained here.
TRAINED_RISKS = [name for name in RISK_SCORES if study.trains_risk(name)]


rule draw_scans:
    input:
        quality=rules.collect_scan_quality.output.table,
        scans=SCANNED.manifests(),
    output:
        **figure("imaging_quality", "Imaging"),
        **figure("imaging_samples", "Imaging"),
    log:
        "<logs>/draw_scans.log",
    benchmark:
        "<benchmarks>/draw_scans.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        maps=IMAGING.get("maps"),
        code=code_version("draw_scans"),
    message:
        "Drawing which scans can be used, and what they measure"
    script:
        "../scripts/draw_scans.py"


rule draw_risk_training:
    input:
        histories=lambda wildcards: expand(
            "<results>/{risk}/models/{fold}/history.parquet",
            risk=wildcards.risk,
            fold=study.risk_folds(wildcards.risk),
        ),
    output:
        **figure("risk_training", "Signatures of risk", "_{risk}"),
    log:
        "<logs>/draw_risk_training/{risk}.log",
    benchmark:
        "<benchmarks>/draw_risk_training/{risk}.tsv"
    wildcard_constraints:
        risk=any_of(TRAINED_RISKS),
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        folds=lambda wildcards: study.risk_folds(wildcards.risk),
        score=lambda wildcards: RISK_SCORES[wildcards.risk],
        monitor=lambda wildcards: config[wildcards.risk]["training"]["monitor"],
        code=code_version("draw_risk_training"),
    message:
        "Drawing how the networks of {wildcards.risk} learned"
    script:
        "../scripts/draw_risk_training.py"


rule draw_risks:
    input:
        scores="<results>/{risk}/scores.parquet",
        patients="<results>/cohort/patients.parquet",
    output:
        **figure("risks", "Signatures of risk", "_{risk}"),
    log:
        "<logs>/draw_risks/{risk}.log",
    benchmark:
        "<benchmarks>/draw_risks/{risk}.tsv"
    wildcard_constraints:
        risk=any_of(RISK_SCORES),
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        score=lambda wildcards: RISK_SCORES[wildcards.risk],
        code=code_version("draw_risks"),
    message:
        "Drawing the risk of every patient by {wildcards.risk}"
    script:
        "../scripts/draw_risks.py"


rule draw_risk_concordance:
    input:
        performances=expand("<results>/{risk}/performance.parquet", risk=RISK_SCORES),
    output:
        **figure("risk_concordance", "Signatures of risk"),
    log:
        "<logs>/draw_risk_concordance.log",
    benchmark:
        "<benchmarks>/draw_risk_concordance.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        scores=list(RISK_SCORES.values()),
        confidence=[config[name]["evaluation"]["confidence"] for name in RISK_SCORES],
        code=code_version("draw_risk_concordance"),
    message:
        "Drawing how well risks tell who dies sooner"
    script:
        "../scripts/draw_risk_concordance.py"


rule draw_activation:
    input:
        scores=rules.score_scans.output.scores,
        patients="<results>/cohort/patients.parquet",
        scans=SCANNED.manifests(),
        activation=ACTIVATED.manifests(),
    output:
        **figure("imaging_activation", "Imaging"),
    log:
        "<logs>/draw_activation.log",
    benchmark:
        "<benchmarks>/draw_activation.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        patients=SCANNED_PATIENTS,
        score=IMAGING_SCORE,
        maps=IMAGING.get("maps"),
        number=IMAGING.get("activation", {}).get("examples"),
        code=code_version("draw_activation"),
    message:
        "Drawing where the networks look in patients of high and of low risk"
    script:
        "../scripts/draw_activation.py"


rule draw_activation_groups:
    input:
        activation=rules.measure_activation.output.activation,
        zones=rules.measure_activation.output.zones,
        scores=rules.score_scans.output.scores,
        groups=rules.compare_activation.output.groups,
    output:
        **figure("imaging_activation_groups", "Imaging"),
        **figure("imaging_activation_zones", "Imaging"),
    log:
        "<logs>/draw_activation_groups.log",
    benchmark:
        "<benchmarks>/draw_activation_groups.tsv"
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
        maps=IMAGING.get("maps"),
        share=IMAGING.get("activation", {}).get("share"),
        code=code_version("draw_activation_groups"),
    message:
        "Drawing the maps where the networks look, by risk"
    script:
        "../scripts/draw_activation_groups.py"


RISK_FIGURES = [
    *(rules.draw_risk_concordance.output if RISK_SCORES else []),
    *expand(rules.draw_risk_training.output, risk=TRAINED_RISKS),
    *expand(rules.draw_risks.output, risk=RISK_SCORES),
    *(
        [*rules.draw_scans.output, *rules.draw_activation_groups.output]
        if has("imaging")
        else []
    ),
    *(
        rules.draw_activation.output
        if IMAGING.get("activation", {}).get("examples")
        else []
    ),
]
