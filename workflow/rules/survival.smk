"""Survival: cohorts and scores; correlation of areas with time, groups, Cox models."""

SURVIVAL = block("survival")


rule gather_scores:
    input:
        table=rules.collect_scores.output.scores if HAS_SCORES else [],
        expression=(
            rules.prepare_expression.output.expression if SURVIVAL.get("genes") else []
        ),
        activity=(
            rules.score_activity.output.activity if SURVIVAL.get("gene_sets") else []
        ),
        heterogeneity=rules.collect_heterogeneity.output.scores if HETEROGENEITY else [],
    output:
        scores="<results>/survival/scores.parquet",
        scores_twin="<results>/survival/scores.tsv",
    log:
        "<logs>/gather_scores.log",
    benchmark:
        "<benchmarks>/gather_scores.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(10),
    params:
        genes=SURVIVAL.get("genes"),
        gene_sets=SURVIVAL.get("gene_sets"),
        code=code_version("gather_scores"),
    message:
        "Gathering every score of the patients"
    script:
        "../scripts/gather_scores.py"


rule name_cohorts:
    input:
        patients="<results>/cohort/patients.parquet",
        split=(
            "<results>/cohort/split.parquet"
            if SURVIVAL.get("cohorts") == "split"
            else []
        ),
    output:
        cohorts="<results>/survival/cohorts.parquet",
        cohorts_twin="<results>/survival/cohorts.tsv",
        balance="<results>/survival/balance.parquet",
        balance_twin=report(
            "<results>/survival/balance.tsv",
            caption="../report/balance.rst",
            category="Survival",
        ),
        follow_up="<results>/survival/follow_up.parquet",
        follow_up_twin="<results>/survival/follow_up.tsv",
    log:
        "<logs>/name_cohorts.log",
    benchmark:
        "<benchmarks>/name_cohorts.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        source=SURVIVAL.get("cohorts"),
        confidence=SURVIVAL.get("confidence"),
        declared=config["cohort"]["covariates"],
        seed=config["seed"],
        code=code_version("name_cohorts"),
    message:
        "Naming the cohorts and setting them beside each other"
    script:
        "../scripts/name_cohorts.py"


rule draw_balance:
    input:
        balance=rules.name_cohorts.output.balance,
    output:
        **figure("balance", "Survival"),
    log:
        "<logs>/draw_balance.log",
    benchmark:
        "<benchmarks>/draw_balance.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        code=code_version("draw_balance"),
    message:
        "Drawing how far the cohorts are from the training cohort"
    script:
        "../scripts/draw_balance.py"


rule correlate_survival:
    input:
        patients="<results>/cohort/patients.parquet",
        areas="<results>/areas/patients.parquet",
        strata=(
            [
                rules.prepare_mutations.output.mutations,
                rules.prepare_mutations.output.strata,
            ]
            if has("mutations")
            else []
        ),
    output:
        correlation="<results>/survival/area_correlation.parquet",
        correlation_twin=report(
            "<results>/survival/area_correlation.tsv",
            caption="../report/area_correlation.rst",
            category="Survival",
        ),
        outliers="<results>/survival/outliers.parquet",
        outliers_twin="<results>/survival/outliers.tsv",
    log:
        "<logs>/correlate_survival.log",
    benchmark:
        "<benchmarks>/correlate_survival.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        settings={
            key: value
            for key, value in SURVIVAL.items()
            if key in ("confidence", "regions", "outlier_p")
        },
        fewest=block("mutations").get("min_patients", 5),
        code=code_version("correlate_survival"),
    message:
        "Correlating every region's area with survival"
    script:
        "../scripts/correlate_survival.py"


rule fit_survival:
    input:
        patients="<results>/cohort/patients.parquet",
        areas="<results>/areas/patients.parquet",
        cohorts=rules.name_cohorts.output.cohorts,
    output:
        groups="<results>/survival/groups.parquet",
        groups_twin=report(
            "<results>/survival/groups.tsv",
            caption="../report/groups.rst",
            category="Survival",
        ),
        curves="<results>/survival/curves.parquet",
        curves_twin="<results>/survival/curves.tsv",
        cox="<results>/survival/cox.parquet",
        cox_twin=report(
            "<results>/survival/cox.tsv",
            caption="../report/cox.rst",
            category="Survival",
        ),
    log:
        "<logs>/fit_survival.log",
    benchmark:
        "<benchmarks>/fit_survival.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        settings={
            key: value
            for key, value in SURVIVAL.items()
            if key in ("confidence", "covariates", "cut", "regions")
        },
        declared=config["cohort"]["covariates"],
        code=code_version("fit_survival"),
    message:
        "Comparing survival by region area and fitting Cox models"
    script:
        "../scripts/fit_survival.py"
