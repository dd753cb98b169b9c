"""Groups of patients, and the genes that differ between them."""

# The rule by which a gene differs.
DIFFERING = {key: block("differential").get(key) for key in ("q", "log2_fold_change")}
# Survival gives scores their cut-points, and knows more scores; nothing of it waits for a comparison.
CUTS_BY_SURVIVAL = any(
    "score" in rule and rule["cut"] == "survival"
    for rule in block("comparisons").values()
)


rule divide_patients:
    input:
        patients="<results>/cohort/patients.parquet",
        scores=(
            "<results>/survival/scores.parquet"
            if CUTS_BY_SURVIVAL
            else rules.collect_scores.output.scores if HAS_SCORES else []
        ),
        cuts="<results>/survival/cut_points.parquet" if CUTS_BY_SURVIVAL else [],
        mutations=(
            [
                rules.prepare_mutations.output.mutations,
                rules.prepare_mutations.output.profiled,
            ]
            if has("mutations")
            else []
        ),
    output:
        groups="<results>/omics/comparison_groups.parquet",
        groups_twin="<results>/omics/comparison_groups.tsv",
    log:
        "<logs>/divide_patients.log",
    benchmark:
        "<benchmarks>/divide_patients.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        comparisons=block("comparisons"),
        code=code_version("divide_patients"),
    message:
        "Dividing the patients into groups"
    script:
        "../scripts/divide_patients.py"


rule compare_expression:
    input:
        expression=rules.prepare_expression.output.expression,
        libraries=rules.prepare_expression.output.libraries,
        genes=rules.prepare_expression.output.genes,
        groups=rules.divide_patients.output.groups,
        patients="<results>/cohort/patients.parquet",
    output:
        differential="<results>/omics/differential.parquet",
        differential_twin=report(
            "<results>/omics/differential.tsv",
            caption="../report/differential.rst",
            category="Genes",
        ),
    log:
        "<logs>/compare_expression.log",
    benchmark:
        "<benchmarks>/compare_expression.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 4
    resources:
        mem_mb=growing(8000, 16),
        runtime=scaled(120),
    params:
        unit=block("expression").get("unit"),
        min_count=block("differential").get("min_count"),
        covariates={
            name: config["cohort"]["covariates"][name]["type"]
            for name in block("differential").get("covariates", [])
        },
        code=code_version("compare_expression"),
    message:
        "Testing every gene between the groups"
    script:
        "../scripts/compare_expression.py"


rule enrich_differential:
    input:
        differential=rules.compare_expression.output.differential,
        gene_sets=list(GENE_SETS.values()),
    output:
        enrichment="<results>/omics/differential_enrichment.parquet",
        enrichment_twin=report(
            "<results>/omics/differential_enrichment.tsv",
            caption="../report/differential_enrichment.rst",
            category="Genes",
        ),
    log:
        "<logs>/enrich_differential.log",
    benchmark:
        "<benchmarks>/enrich_differential.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        libraries=list(GENE_SETS),
        differing=DIFFERING,
        settings={key: block("enrichment").get(key) for key in ("min_size", "max_size")},
        code=code_version("enrich_differential"),
    message:
        "Testing the genes that differ between the groups against the gene sets"
    script:
        "../scripts/enrich_differential.py"


rule draw_differential:
    input:
        differential=rules.compare_expression.output.differential,
        groups=rules.divide_patients.output.groups,
    output:
        **figure("volcano", "Genes"),
    log:
        "<logs>/draw_differential.log",
    benchmark:
        "<benchmarks>/draw_differential.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        labelled=config["report"]["top_genes"],
        differing=DIFFERING,
        unit=block("expression").get("unit"),
        code=code_version("draw_differential"),
    message:
        "Drawing the genes that differ between the groups"
    script:
        "../scripts/draw_differential.py"


rule draw_differing_genes:
    input:
        expression=rules.prepare_expression.output.expression,
        differential=rules.compare_expression.output.differential,
        groups=rules.divide_patients.output.groups,
        patients="<results>/cohort/patients.parquet",
    output:
        **figure("differing_genes", "Genes"),
    log:
        "<logs>/draw_differing_genes.log",
    benchmark:
        "<benchmarks>/draw_differing_genes.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=growing(4000, 8),
        runtime=scaled(10),
    params:
        top=config["report"]["top_genes"],
        differing=DIFFERING,
        covariates=block("differential").get("covariates", []),
        unit=block("expression").get("unit"),
        code=code_version("draw_differing_genes"),
    message:
        "Drawing the genes that differ most surely, patient by patient"
    script:
        "../scripts/draw_differing_genes.py"
