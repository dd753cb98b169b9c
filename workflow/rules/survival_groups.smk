"""Survival of patients divided by scores and covariates, and by every gene."""

CURVES = block("survival_curves")
GENE_SURVIVAL = block("gene_survival")
SEARCHES_CUTS = CURVES.get("cut", {}).get("rule") == "maximal"
COMPARED_BY = {
    **{key: CURVES.get(key) for key in ("bands", "gamma", "rho", "strata")},
    "confidence": SURVIVAL.get("confidence"),
}


rule compare_scores:
    input:
        patients="<results>/cohort/patients.parquet",
        scores=rules.gather_scores.output.scores,
        cohorts=rules.name_cohorts.output.cohorts,
    output:
        cuts="<results>/survival/cut_points.parquet",
        cuts_twin=report(
            "<results>/survival/cut_points.tsv",
            caption="../report/cut_points.rst",
            category="Survival",
        ),
        search="<results>/survival/cut_search.parquet",
        search_twin="<results>/survival/cut_search.tsv",
        groups="<results>/survival/score_groups.parquet",
        groups_twin=report(
            "<results>/survival/score_groups.tsv",
            caption="../report/score_groups.rst",
            category="Survival",
        ),
        curves="<results>/survival/score_curves.parquet",
        curves_twin="<results>/survival/score_curves.tsv",
    log:
        "<logs>/compare_scores.log",
    benchmark:
        "<benchmarks>/compare_scores.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        settings={
            "named": CURVES.get("scores"),
            "cut": CURVES.get("cut"),
            "manner": COMPARED_BY,
            "seed": config["seed"],
        },
        code=code_version("compare_scores"),
    message:
        "Comparing survival on the two sides of every score's cut-point"
    script:
        "../scripts/compare_scores.py"


rule compare_covariates:
    input:
        patients="<results>/cohort/patients.parquet",
        cohorts=rules.name_cohorts.output.cohorts,
    output:
        groups="<results>/survival/covariate_groups.parquet",
        groups_twin=report(
            "<results>/survival/covariate_groups.tsv",
            caption="../report/covariate_groups.rst",
            category="Survival",
        ),
        curves="<results>/survival/covariate_curves.parquet",
        curves_twin="<results>/survival/covariate_curves.tsv",
        pairs="<results>/survival/covariate_pairs.parquet",
        pairs_twin="<results>/survival/covariate_pairs.tsv",
        trends="<results>/survival/covariate_trends.parquet",
        trends_twin="<results>/survival/covariate_trends.tsv",
    log:
        "<logs>/compare_covariates.log",
    benchmark:
        "<benchmarks>/compare_covariates.tsv"
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
            "named": CURVES.get("groups"),
            "declared": {
                name: config["cohort"]["covariates"][name]
                for name in CURVES.get("groups", [])
            },
            "orders": CURVES.get("orders"),
            "correction": CURVES.get("correction"),
            "manner": COMPARED_BY,
        },
        code=code_version("compare_covariates"),
    message:
        "Comparing survival between the levels of covariates"
    script:
        "../scripts/compare_covariates.py"


rule compare_stated:
    input:
        patients="<results>/cohort/patients.parquet",
        scores=rules.gather_scores.output.scores,
        cohorts=rules.name_cohorts.output.cohorts,
    output:
        groups="<results>/survival/stated_groups.parquet",
        groups_twin=report(
            "<results>/survival/stated_groups.tsv",
            caption="../report/stated_groups.rst",
            category="Survival",
        ),
        curves="<results>/survival/stated_curves.parquet",
        curves_twin="<results>/survival/stated_curves.tsv",
    log:
        "<logs>/compare_stated.log",
    benchmark:
        "<benchmarks>/compare_stated.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        settings={"stated": CURVES.get("stated"), "manner": COMPARED_BY},
        code=code_version("compare_stated"),
    message:
        "Comparing survival by limits that are stated in advance"
    script:
        "../scripts/compare_stated.py"


rule scan_genes:
    input:
        expression=(rules.prepare_expression.output.expression if GENE_SURVIVAL else []),
        genes=rules.prepare_expression.output.genes if GENE_SURVIVAL else [],
        patients="<results>/cohort/patients.parquet",
        cohorts=rules.name_cohorts.output.cohorts,
    output:
        **{
            test: f"<results>/survival/genes_{test}.parquet"
            for test in GENE_SURVIVAL.get("tests", ["cox"])
        },
        **{
            f"{test}_twin": report(
                f"<results>/survival/genes_{test}.tsv",
                caption=f"../report/genes_{test}.rst",
                category="Survival",
            )
            for test in GENE_SURVIVAL.get("tests", ["cox"])
        },
    log:
        "<logs>/scan_genes.log",
    benchmark:
        "<benchmarks>/scan_genes.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=growing(4000, 8),
        runtime=scaled(30),
    params:
        tests=GENE_SURVIVAL.get("tests"),
        settings={
            "quantile": GENE_SURVIVAL.get("quantile"),
            "min_share": GENE_SURVIVAL.get("min_share"),
            "confidence": SURVIVAL.get("confidence"),
        },
        code=code_version("scan_genes"),
    message:
        "Setting every gene against survival"
    script:
        "../scripts/scan_genes.py"


rule draw_score_groups:
    input:
        groups=rules.compare_scores.output.groups,
        curves=rules.compare_scores.output.curves,
        cuts=rules.compare_scores.output.cuts,
        search=rules.compare_scores.output.search,
    output:
        **figure("score_groups", "Survival"),
        **(figure("cut_search", "Survival") if SEARCHES_CUTS else {}),
    log:
        "<logs>/draw_score_groups.log",
    benchmark:
        "<benchmarks>/draw_score_groups.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        palette=PALETTE,
        measure=config["areas"]["measure"],
        code=code_version("draw_score_groups"),
    message:
        "Drawing survival by score"
    script:
        "../scripts/draw_score_groups.py"


rule draw_stated_groups:
    input:
        groups=rules.compare_stated.output.groups,
        curves=rules.compare_stated.output.curves,
    output:
        **figure("stated_groups", "Survival"),
    log:
        "<logs>/draw_stated_groups.log",
    benchmark:
        "<benchmarks>/draw_stated_groups.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        palette=PALETTE,
        measure=config["areas"]["measure"],
        code=code_version("draw_stated_groups"),
    message:
        "Drawing survival by limits that are stated in advance"
    script:
        "../scripts/draw_stated_groups.py"


rule draw_covariate_groups:
    input:
        groups=rules.compare_covariates.output.groups,
        curves=rules.compare_covariates.output.curves,
    output:
        **figure("covariate_groups", "Survival"),
    log:
        "<logs>/draw_covariate_groups.log",
    benchmark:
        "<benchmarks>/draw_covariate_groups.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        code=code_version("draw_covariate_groups"),
    message:
        "Drawing survival by covariate"
    script:
        "../scripts/draw_covariate_groups.py"


rule draw_gene_survival:
    input:
        scan="<results>/survival/genes_{test}.parquet",
    output:
        volcano=report(
            "<results>/figures/genes_{test}.svg",
            caption="../report/figure_genes_survival.rst",
            category="Survival",
        ),
        volcano_png="<results>/figures/genes_{test}.png",
        volcano_tsv="<results>/figures/genes_{test}.tsv",
    log:
        "<logs>/draw_gene_survival/{test}.log",
    benchmark:
        "<benchmarks>/draw_gene_survival/{test}.tsv"
    wildcard_constraints:
        test="cox|log_rank",
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
            "labelled": GENE_SURVIVAL.get("labelled"),
            "level": GENE_SURVIVAL.get("q"),
        },
        code=code_version("draw_gene_survival"),
    message:
        "Drawing survival by every gene ({wildcards.test})"
    script:
        "../scripts/draw_gene_survival.py"


GENE_TESTS = GENE_SURVIVAL.get("tests", [])
# Tables of these parts by the names that the summary page knows.
GROUP_TABLES = {
    **(
        {
            "cut_points": "survival/cut_points",
            "cut_search": "survival/cut_search",
            "score_groups": "survival/score_groups",
            "score_curves": "survival/score_curves",
        }
        if CURVES
        else {}
    ),
    **(
        {
            "stated_groups": "survival/stated_groups",
            "stated_curves": "survival/stated_curves",
        }
        if CURVES.get("stated")
        else {}
    ),
    **(
        {
            "covariate_groups": "survival/covariate_groups",
            "covariate_curves": "survival/covariate_curves",
            "covariate_pairs": "survival/covariate_pairs",
            "covariate_trends": "survival/covariate_trends",
        }
        if CURVES.get("groups")
        else {}
    ),
    **{f"genes_{test}": f"survival/genes_{test}" for test in GENE_TESTS},
}
GROUP_FIGURES = [
    *(rules.draw_score_groups.output if CURVES else []),
    *(rules.draw_stated_groups.output if CURVES.get("stated") else []),
    *(rules.draw_covariate_groups.output if CURVES.get("groups") else []),
    *expand(
        "<results>/figures/genes_{test}.{ending}",
        test=GENE_TESTS,
        ending=["svg", "png", "tsv"],
    ),
]
