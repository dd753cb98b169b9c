"""Files of public cohorts, fetched where there is internet."""

# What a file holds is told by its md5 in the cohort's list: no other code, and no other limit of
# bandwidth, fetches it anew.
WANTED = ancient(f"{study.coming.folder}/files.tsv")
RATE = round(1000 * (block("sources").get("megabytes_per_s") or 0))


if study.coming.below("slides") and study.coming.keeps_slides:

    rule fetch_slide:
        input:
            wanted=WANTED,
        output:
            slide=f"{study.coming.folder}/{{slide_file}}",
        log:
            "<logs>/fetch_slide/{slide_file}.log",
        benchmark:
            "<benchmarks>/fetch_slide/{slide_file}.tsv"
        wildcard_constraints:
            slide_file="slides/.+",
        # Nodes of a cluster have no internet.
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(1000),
            runtime=scaled(600),
            downloads=1,
            kilobytes_per_s=RATE,
        params:
            files=lambda wildcards: content_of_sources([wildcards.slide_file]),
        message:
            "Fetching {wildcards.slide_file}"
        script:
            "../scripts/fetch_files.py"


if fetched("expression"):

    rule fetch_expression:
        input:
            wanted=WANTED,
        output:
            # The files themselves outlive a job that fails, which goes on where it stopped.
            record="<results>/sources/expression.json",
        log:
            "<logs>/fetch_expression.log",
        benchmark:
            "<benchmarks>/fetch_expression.tsv"
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(1000),
            runtime=scaled(600),
            downloads=1,
            kilobytes_per_s=RATE,
        params:
            files=content_of_sources(study.coming.filled(config["expression"]["path"])),
        message:
            "Fetching the expression of the cohort"
        script:
            "../scripts/fetch_expression.py"


# Masks of the cohort's own pictures of annotations.
MASKS = [
    path for path in cells(USED_SLIDES, "annotation") if study.coming.sources(path)
]

if MASKS:

    rule fetch_annotation:
        input:
            wanted=WANTED,
        output:
            mask=f"{study.coming.folder}/{{mask}}",
        log:
            "<logs>/fetch_annotation/{mask}.log",
        benchmark:
            "<benchmarks>/fetch_annotation/{mask}.tsv"
        wildcard_constraints:
            mask="masks/.+",
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(2000),
            runtime=scaled(600),
            downloads=1,
            kilobytes_per_s=RATE,
        params:
            files=lambda wildcards: content_of_sources(
                study.coming.sources(f"{study.coming.folder}/{wildcards.mask}")
            ),
        message:
            "Fetching the annotation {wildcards.mask}"
        script:
            "../scripts/fetch_files.py"


# Tables that are made of fetched files, by the block that reads them.
MADE_TABLES = {
    name: config[name]["path"]
    for name in ("expression", "mutations")
    if has(name) and study.coming.sources(config[name]["path"])
}

if "expression" in MADE_TABLES:

    rule fetch_region_expression:
        input:
            wanted=WANTED,
        output:
            table=MADE_TABLES["expression"],
        log:
            "<logs>/fetch_region_expression.log",
        benchmark:
            "<benchmarks>/fetch_region_expression.tsv"
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(2000),
            runtime=scaled(600),
            downloads=1,
            kilobytes_per_s=RATE,
        params:
            files=content_of_sources(study.coming.sources(MADE_TABLES["expression"])),
        message:
            "Fetching the expression of the cohort, and taking that of one region"
        script:
            "../scripts/fetch_files.py"


if "mutations" in MADE_TABLES:

    rule fetch_mutations:
        input:
            wanted=WANTED,
        output:
            table=MADE_TABLES["mutations"],
        log:
            "<logs>/fetch_mutations.log",
        benchmark:
            "<benchmarks>/fetch_mutations.tsv"
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(2000),
            runtime=scaled(600),
            downloads=1,
            kilobytes_per_s=RATE,
        params:
            files=content_of_sources(study.coming.sources(MADE_TABLES["mutations"])),
        message:
            "Fetching the mutations of the cohort"
        script:
            "../scripts/fetch_files.py"


if has("sources"):

    rule describe_cohort:
        input:
            flow=f"{study.coming.folder}/flow.tsv",
            decisions=f"{study.coming.folder}/decisions.tsv",
            rules=f"{study.coming.folder}/rules.txt",
            # What was fetched is known when it is here.
            fetched=[
                *fetched("expression"),
                *MADE_TABLES.values(),
                *(INSPECTED.manifests() if USED_SLIDES else []),
                *(
                    path
                    for stage in TILED.values()
                    for path in stage.manifests()
                    if MASKS
                ),
            ],
        output:
            **figure("cohort_flow", "Cohort"),
            fetched="<results>/cohort/fetched.parquet",
            fetched_twin="<results>/cohort/fetched.tsv",
            flow="<results>/cohort/flow.parquet",
            flow_twin="<results>/cohort/flow.tsv",
            decisions="<results>/cohort/decisions.parquet",
            decisions_twin=report(
                "<results>/cohort/decisions.tsv",
                caption="../report/cohort_decisions.rst",
                category="Cohort",
            ),
            rules="<results>/cohort/rules.txt",
        log:
            "<logs>/describe_cohort.log",
        benchmark:
            "<benchmarks>/describe_cohort.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(1000),
            runtime=scaled(10),
        params:
            code=code_version("describe_cohort"),
        message:
            "Writing how the cohort came about"
        script:
            "../scripts/describe_cohort.py"


# How a public cohort came about: its figure, its tables by the names that the summary page knows,
# and what the bundle takes beside them.
COHORT_FIGURES = (
    [
        rules.describe_cohort.output.cohort_flow,
        rules.describe_cohort.output.cohort_flow_png,
        rules.describe_cohort.output.cohort_flow_tsv,
    ]
    if has("sources")
    else []
)
COHORT_TABLES = when(
    has("sources"),
    cohort_flow_counts="cohort/flow",
    cohort_decisions="cohort/decisions",
    cohort_fetched="cohort/fetched",
)
COHORT_FILES = [rules.describe_cohort.output.rules] if has("sources") else []
