"""Survival: correlation of areas with time, groups, Cox models."""


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
            for key, value in block("survival").items()
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
            for key, value in block("survival").items()
            if key != "outlier_p"
        },
        declared=config["cohort"]["covariates"],
        code=code_version("fit_survival"),
    message:
        "Comparing survival by region area and fitting Cox models"
    script:
        "../scripts/fit_survival.py"
