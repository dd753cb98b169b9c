"""The biology behind a score: gene sets, their activity, and survival by their mean expression."""

PATHWAYS = block("pathways")
PATHWAY_SETS = PATHWAYS.get("gene_sets", GENE_SETS) if PATHWAYS else {}
PATHWAY_COMPARISON = block("comparisons").get(PATHWAYS.get("comparison"), {})
# External cohorts: their files are inputs, and the rest says how they are read.
CARRIED_TO = PATHWAYS.get("cohorts", {})
CARRIED_FILES = {
    key: [cohort[key] for cohort in CARRIED_TO.values()]
    for key in ("expression", "patients")
}


rule correlate_pathways:
    input:
        expression=rules.prepare_expression.output.expression,
        genes=rules.prepare_expression.output.genes,
        differential=rules.compare_expression.output.differential,
        groups=rules.divide_patients.output.groups,
        scores=rules.gather_scores.output.scores,
        gene_sets=list(PATHWAY_SETS.values()),
    output:
        enrichment="<results>/omics/pathway_enrichment.parquet",
        enrichment_twin="<results>/omics/pathway_enrichment.tsv",
        activity="<results>/omics/pathway_activity.parquet",
        activity_twin="<results>/omics/pathway_activity.tsv",
        correlation="<results>/omics/pathway_correlation.parquet",
        correlation_twin=report(
            "<results>/omics/pathway_correlation.tsv",
            caption="../report/pathway_correlation.rst",
            category="Genes",
        ),
        choice="<results>/omics/pathway_choice.parquet",
        choice_twin="<results>/omics/pathway_choice.tsv",
    log:
        "<logs>/correlate_pathways.log",
    benchmark:
        "<benchmarks>/correlate_pathways.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 2
    resources:
        mem_mb=growing(8000, 16),
        runtime=scaled(120),
    params:
        libraries=list(PATHWAY_SETS),
        settings={
            **{
                key: PATHWAYS.get(key)
                for key in ("comparison", "q", "min_size", "max_size", "method")
            },
            "rule": PATHWAYS.get("differing"),
            "score": PATHWAY_COMPARISON.get("score"),
            "unit": block("expression").get("unit"),
            "confidence": SURVIVAL.get("confidence"),
        },
        code=code_version("correlate_pathways"),
    message:
        "Finding the gene sets behind a score"
    script:
        "../scripts/correlate_pathways.py"


rule score_pathways:
    input:
        expression=rules.prepare_expression.output.expression,
        genes=rules.prepare_expression.output.genes,
        correlation=rules.correlate_pathways.output.correlation,
        choice=rules.correlate_pathways.output.choice,
        cohorts=rules.name_cohorts.output.cohorts,
        gene_sets=list(PATHWAY_SETS.values()),
        external=CARRIED_FILES["expression"],
        # A folder looks unchanged when a file in it changes.
        files=[file for path in CARRIED_FILES["expression"] for file in files_in(path)],
        followed=CARRIED_FILES["patients"],
    output:
        scores="<results>/omics/pathway_expression.parquet",
        scores_twin="<results>/omics/pathway_expression.tsv",
        members="<results>/omics/pathway_genes.parquet",
        members_twin=report(
            "<results>/omics/pathway_genes.tsv",
            caption="../report/pathway_genes.rst",
            category="Genes",
        ),
        decisions="<results>/omics/pathway_decisions.parquet",
        decisions_twin=report(
            "<results>/omics/pathway_decisions.tsv",
            caption="../report/pathway_decisions.rst",
            category="Genes",
        ),
    log:
        "<logs>/score_pathways.log",
    benchmark:
        "<benchmarks>/score_pathways.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=growing(8000, 30),
        runtime=scaled(60),
    params:
        libraries=list(PATHWAY_SETS),
        external={
            name: {
                key: cohort.get(key)
                for key in (
                    *("unit", "normalise", "time_unit"),
                    *("barcode", "sample_types", "symbols"),
                )
            }
            for name, cohort in CARRIED_TO.items()
        },
        settings={
            **{
                key: PATHWAYS.get(key)
                for key in ("correlation_q", "found_in", "signed")
            },
            "unit": block("expression").get("unit"),
        },
        code=code_version("score_pathways"),
    message:
        "Scoring the patients by the mean expression of the gene sets"
    script:
        "../scripts/score_pathways.py"


rule carry_pathways:
    input:
        scores=rules.score_pathways.output.scores,
        patients="<results>/cohort/patients.parquet",
        cohorts=rules.name_cohorts.output.cohorts,
        followed=CARRIED_FILES["patients"],
    output:
        cuts="<results>/survival/pathway_cut.parquet",
        cuts_twin=report(
            "<results>/survival/pathway_cut.tsv",
            caption="../report/pathway_cut.rst",
            category="Survival",
        ),
        search="<results>/survival/pathway_search.parquet",
        search_twin="<results>/survival/pathway_search.tsv",
        groups="<results>/survival/pathway_groups.parquet",
        groups_twin=report(
            "<results>/survival/pathway_groups.tsv",
            caption="../report/pathway_groups.rst",
            category="Survival",
        ),
        curves="<results>/survival/pathway_curves.parquet",
        curves_twin="<results>/survival/pathway_curves.tsv",
    log:
        "<logs>/carry_pathways.log",
    benchmark:
        "<benchmarks>/carry_pathways.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        external=[(name, cohort["time_unit"]) for name, cohort in CARRIED_TO.items()],
        settings={
            "score": "pathway_expression",
            "found_in": PATHWAYS.get("found_in"),
            "cut": PATHWAYS.get("cut"),
            # As other scores are compared; no external cohort knows the study's strata.
            "manner": {
                key: value
                for key, value in COMPARED_BY.items()
                if key != "strata" and value is not None
            },
            "seed": config["seed"],
        },
        code=code_version("carry_pathways"),
    message:
        "Carrying the cut-point of the mean expression to other cohorts"
    script:
        "../scripts/carry_pathways.py"


rule draw_pathways:
    input:
        activity=rules.correlate_pathways.output.activity,
        correlation=rules.correlate_pathways.output.correlation,
        scores=rules.gather_scores.output.scores,
        groups=rules.divide_patients.output.groups,
        compared=rules.carry_pathways.output.groups,
        curves=rules.carry_pathways.output.curves,
        cuts=rules.carry_pathways.output.cuts,
    output:
        **figure("pathway_activity", "Genes"),
        **figure("pathway_survival", "Survival"),
    log:
        "<logs>/draw_pathways.log",
    benchmark:
        "<benchmarks>/draw_pathways.tsv"
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
            "comparison": PATHWAYS.get("comparison"),
            "q": PATHWAYS.get("correlation_q"),
        },
        code=code_version("draw_pathways"),
    message:
        "Drawing the gene sets behind a score"
    script:
        "../scripts/draw_pathways.py"


# Tables of this part by the names that the summary page knows.
PATHWAY_TABLES = (
    {
        **{
            f"pathway_{part}": f"omics/pathway_{part}"
            for part in (
                *("enrichment", "activity", "correlation"),
                *("expression", "genes", "decisions"),
            )
        },
        **{
            f"pathway_{part}": f"survival/pathway_{part}"
            for part in ("cut", "search", "groups", "curves")
        },
    }
    if PATHWAYS
    else {}
)
