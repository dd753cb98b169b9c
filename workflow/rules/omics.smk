"""Genes: expression and mutations made ready, correlation with areas, signatures, enrichment."""

GENE_SETS = block("enrichment").get("gene_sets", {})
# The study's own scores that get signatures, as regions do, and what their figures show of both.
SCORES_SIGNED = block("signatures").get("scores", [])
SIGNATURE_PALETTE = [
    *PALETTE,
    *(
        {"label": label, "region": name, "name": name, "colour": "#66727f"}
        for label, name in enumerate(SCORES_SIGNED, start=len(PALETTE))
    ),
]


rule prepare_expression:
    input:
        table=block("expression").get("path", []),
        # A folder looks unchanged when a file in it changes.
        files=(fetched("expression") or files_in(block("expression").get("path"))),
        sample_sheet=block("expression").get("sample_sheet", []),
        patients="<results>/cohort/patients.parquet",
    output:
        expression="<results>/omics/expression.parquet",
        libraries="<results>/omics/expression_libraries.parquet",
        libraries_twin="<results>/omics/expression_libraries.tsv",
        samples="<results>/omics/expression_patients.parquet",
        samples_twin="<results>/omics/expression_patients.tsv",
        genes="<results>/omics/expression_genes.parquet",
        genes_twin="<results>/omics/expression_genes.tsv",
        decisions="<results>/omics/expression_decisions.parquet",
        decisions_twin=report(
            "<results>/omics/expression_decisions.tsv",
            caption="../report/expression_decisions.rst",
            category="Genes",
        ),
    log:
        "<logs>/prepare_expression.log",
    benchmark:
        "<benchmarks>/prepare_expression.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=growing(8000, 30),
        runtime=scaled(60),
    params:
        settings={
            key: value
            for key, value in block("expression").items()
            if key not in ("path", "sample_sheet")
        },
        code=code_version("prepare_expression"),
    message:
        "Preparing the expression of every gene"
    script:
        "../scripts/prepare_expression.py"


rule prepare_mutations:
    input:
        maf=block("mutations").get("path", []),
        sequenced=block("mutations").get("sequenced", []),
        patients="<results>/cohort/patients.parquet",
    output:
        mutations="<results>/omics/mutations.parquet",
        mutations_twin="<results>/omics/mutations.tsv",
        strata="<results>/omics/mutation_strata.parquet",
        strata_twin=report(
            "<results>/omics/mutation_strata.tsv",
            caption="../report/mutation_strata.rst",
            category="Genes",
        ),
        decisions="<results>/omics/mutation_decisions.parquet",
        decisions_twin="<results>/omics/mutation_decisions.tsv",
        samples="<results>/omics/mutation_patients.parquet",
        samples_twin="<results>/omics/mutation_patients.tsv",
        profiled="<results>/omics/mutation_profiled.parquet",
        profiled_twin="<results>/omics/mutation_profiled.tsv",
    log:
        "<logs>/prepare_mutations.log",
    benchmark:
        "<benchmarks>/prepare_mutations.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(30),
    params:
        settings={
            key: value
            for key, value in block("mutations").items()
            if key not in ("path", "sequenced")
        },
        code=code_version("prepare_mutations"),
    message:
        "Reading who carries which mutation"
    script:
        "../scripts/prepare_mutations.py"


rule collect_scores:
    input:
        table=block("scores").get("path", []),
        areas="<results>/areas/patients.parquet" if HAS_AREAS else [],
        risks=[f"<results>/{name}/scores.parquet" for name in RISK_SCORES],
        patients="<results>/cohort/patients.parquet",
    output:
        scores="<results>/omics/scores.parquet",
        scores_twin="<results>/omics/scores.tsv",
    log:
        "<logs>/collect_scores.log",
    benchmark:
        "<benchmarks>/collect_scores.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        regions=REGIONS,
        risks=list(RISK_SCORES.values()),
        min_shared=block("scores").get("min_shared", 0),
        code=code_version("collect_scores"),
    message:
        "Collecting the patients' areas and scores"
    script:
        "../scripts/collect_scores.py"


rule correlate_expression:
    input:
        expression=rules.prepare_expression.output.expression,
        genes=rules.prepare_expression.output.genes,
        areas="<results>/areas/patients.parquet",
        scores=rules.collect_scores.output.scores if SCORES_SIGNED else [],
        patients="<results>/cohort/patients.parquet",
    output:
        correlation="<results>/omics/correlation.parquet",
        correlation_twin="<results>/omics/correlation.tsv",
        gene_survival="<results>/omics/gene_survival.parquet",
        gene_survival_twin="<results>/omics/gene_survival.tsv",
    log:
        "<logs>/correlate_expression.log",
    benchmark:
        "<benchmarks>/correlate_expression.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=growing(8000, 8),
        runtime=scaled(30),
    params:
        settings={
            "min_shared": block("expression").get("min_shared"),
            "permutations": block("signatures").get("permutations"),
            "seed": config["seed"],
            "named": SCORES_SIGNED,
            "covariates": {
                name: config["cohort"]["covariates"][name]["type"]
                for name in block("signatures").get("covariates", [])
            },
        },
        code=code_version("correlate_expression"),
    message:
        "Correlating every gene with every region's area"
    script:
        "../scripts/correlate_expression.py"


rule derive_signatures:
    input:
        correlation=rules.correlate_expression.output.correlation,
        gene_survival=rules.correlate_expression.output.gene_survival,
    output:
        signatures="<results>/omics/signatures.parquet",
        signatures_twin=report(
            "<results>/omics/signatures.tsv",
            caption="../report/signatures.rst",
            category="Genes",
        ),
        gmt="<results>/omics/signatures.gmt",
        sizes="<results>/omics/signature_sizes.parquet",
        sizes_twin=report(
            "<results>/omics/signature_sizes.tsv",
            caption="../report/signature_sizes.rst",
            category="Genes",
        ),
    log:
        "<logs>/derive_signatures.log",
    benchmark:
        "<benchmarks>/derive_signatures.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(10),
    params:
        settings={
            key: block("signatures").get(key)
            for key in ("rho", "p", "p_kind", "survival")
        },
        code=code_version("derive_signatures"),
    message:
        "Deriving each region's signature"
    script:
        "../scripts/derive_signatures.py"


rule enrich_signatures:
    input:
        signatures=rules.derive_signatures.output.signatures,
        correlation=rules.correlate_expression.output.correlation,
        gene_sets=list(GENE_SETS.values()),
    output:
        enrichment="<results>/omics/enrichment.parquet",
        enrichment_twin=report(
            "<results>/omics/enrichment.tsv",
            caption="../report/enrichment.rst",
            category="Genes",
        ),
    log:
        "<logs>/enrich_signatures.log",
    benchmark:
        "<benchmarks>/enrich_signatures.tsv"
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
        settings={key: block("enrichment").get(key) for key in ("min_size", "max_size")},
        code=code_version("enrich_signatures"),
    message:
        "Testing the signatures against the gene sets"
    script:
        "../scripts/enrich_signatures.py"


rule export_study:
    input:
        expression=rules.prepare_expression.output.expression,
        genes=rules.prepare_expression.output.genes,
        correlation=rules.correlate_expression.output.correlation,
        signatures=rules.derive_signatures.output.signatures,
        scores=rules.collect_scores.output.scores,
        patients="<results>/cohort/patients.parquet",
    output:
        study="<results>/omics/study.h5ad",
    log:
        "<logs>/export_study.log",
    benchmark:
        "<benchmarks>/export_study.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=growing(8000, 8),
        runtime=scaled(20),
    params:
        code=code_version("export_study"),
    message:
        "Exporting genes, areas and signatures for other tools"
    script:
        "../scripts/export_study.py"
