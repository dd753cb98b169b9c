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
            "../scripts/fetch_slide.py"


if study.coming.below("expression"):

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
            files=content_of_sources(
                [remote.path for remote in study.coming.below("expression")]
            ),
        message:
            "Fetching the expression of the cohort"
        script:
            "../scripts/fetch_expression.py"


if study.coming.below("mutations"):

    rule fetch_mutations:
        input:
            wanted=WANTED,
        output:
            maf=config["mutations"]["path"],
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
            mem_mb=scaled(1000),
            runtime=scaled(600),
            downloads=1,
            kilobytes_per_s=RATE,
        params:
            files=content_of_sources(
                [remote.path for remote in study.coming.below("mutations")]
            ),
        message:
            "Fetching the mutations of the cohort"
        script:
            "../scripts/fetch_mutations.py"


if has("sources"):

    rule describe_cohort:
        input:
            flow=f"{study.coming.folder}/flow.tsv",
            decisions=f"{study.coming.folder}/decisions.tsv",
            rules=f"{study.coming.folder}/rules.txt",
            # What was fetched is known when it is here.
            fetched=[
                *fetched("expression"),
                *(
                    [config["mutations"]["path"]]
                    if study.coming.below("mutations")
                    else []
                ),
                *(INSPECTED.manifests() if USED_SLIDES else []),
            ],
        output:
            **figure("cohort_flow", "Cohort"),
            fetched="<results>/cohort/fetched.tsv",
            flow="<results>/cohort/flow.tsv",
            decisions=report(
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


# What the bundle takes of a public cohort.
SOURCE_FILES = list(rules.describe_cohort.output) if has("sources") else []
