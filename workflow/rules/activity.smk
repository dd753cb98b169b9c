"""Activity of gene sets in every patient, with scores and between groups."""

ACTIVITY = block("activity")
CORRELATES_ACTIVITY = bool(ACTIVITY) and HAS_SCORES
COMPARES_ACTIVITY = bool(ACTIVITY) and (
    has("comparisons") or bool(ACTIVITY["covariates"])
)


rule score_activity:
    input:
        expression=rules.prepare_expression.output.expression,
        genes=rules.prepare_expression.output.genes,
        gene_sets=list(ACTIVITY.get("gene_sets", {}).values()),
    output:
        activity="<results>/omics/activity.parquet",
        activity_twin="<results>/omics/activity.tsv",
    log:
        "<logs>/score_activity.log",
    benchmark:
        "<benchmarks>/score_activity.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 2
    resources:
        mem_mb=growing(8000, 16),
        runtime=scaled(120),
    params:
        libraries=list(ACTIVITY.get("gene_sets", {})),
        settings={
            key: ACTIVITY.get(key)
            for key in (
                *("method", "min_size", "max_size"),
                *("kernel", "max_diff", "scaled"),
            )
        },
        code=code_version("score_activity"),
    message:
        "Scoring the gene sets in every patient"
    script:
        "../scripts/score_activity.py"


rule correlate_activity:
    input:
        activity=rules.score_activity.output.activity,
        scores=rules.collect_scores.output.scores,
    output:
        correlation="<results>/omics/activity_correlation.parquet",
        correlation_twin=report(
            "<results>/omics/activity_correlation.tsv",
            caption="../report/activity_correlation.rst",
            category="Genes",
        ),
    log:
        "<logs>/correlate_activity.log",
    benchmark:
        "<benchmarks>/correlate_activity.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(30),
    params:
        code=code_version("correlate_activity"),
    message:
        "Correlating the activities with the scores"
    script:
        "../scripts/correlate_activity.py"


rule compare_activity:
    input:
        activity=rules.score_activity.output.activity,
        patients="<results>/cohort/patients.parquet",
        comparisons=(rules.divide_patients.output.groups if has("comparisons") else []),
    output:
        groups="<results>/omics/activity_groups.parquet",
        groups_twin="<results>/omics/activity_groups.tsv",
        comparison="<results>/omics/activity_comparison.parquet",
        comparison_twin=report(
            "<results>/omics/activity_comparison.tsv",
            caption="../report/activity_comparison.rst",
            category="Genes",
        ),
    log:
        "<logs>/compare_activity.log",
    benchmark:
        "<benchmarks>/compare_activity.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(30),
    params:
        covariates=ACTIVITY.get("covariates"),
        settings={key: ACTIVITY.get(key) for key in ("min_patients", "confidence")},
        code=code_version("compare_activity"),
    message:
        "Comparing the activities between groups of patients"
    script:
        "../scripts/compare_activity.py"


rule draw_activity_correlation:
    input:
        correlation=rules.correlate_activity.output.correlation,
    output:
        **figure("activity_correlation", "Genes"),
    log:
        "<logs>/draw_activity_correlation.log",
    benchmark:
        "<benchmarks>/draw_activity_correlation.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        top=config["report"]["top_genes"],
        code=code_version("draw_activity_correlation"),
    message:
        "Drawing how the activities go with the scores"
    script:
        "../scripts/draw_activity_correlation.py"


rule draw_activity_groups:
    input:
        activity=rules.score_activity.output.activity,
        groups=rules.compare_activity.output.groups,
        comparison=rules.compare_activity.output.comparison,
    output:
        **figure("activity_groups", "Genes"),
    log:
        "<logs>/draw_activity_groups.log",
    benchmark:
        "<benchmarks>/draw_activity_groups.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        top=config["report"]["top_genes"],
        code=code_version("draw_activity_groups"),
    message:
        "Drawing the activities of the groups"
    script:
        "../scripts/draw_activity_groups.py"
