"""The cohort's own tables."""


rule write_patients:
    input:
        sheet=config["cohort"]["patients"],
    output:
        table="<results>/cohort/patients.parquet",
        twin="<results>/cohort/patients.tsv",
    log:
        "<logs>/write_patients.log",
    benchmark:
        "<benchmarks>/write_patients.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        covariates={
            name: entry["type"]
            for name, entry in config["cohort"]["covariates"].items()
        },
        time_unit=config["cohort"]["time_unit"],
        # Those that the sheet of scans alone names.
        cohorts=study.scan_cohorts,
        # Those that traits alone read stand in a table of their own.
        labels=[],
        code=code_version("write_patients"),
    message:
        "Reading the sheet of patients"
    script:
        "../scripts/write_patients.py"


rule split_patients:
    input:
        # Models that are brought along say themselves whom they have seen.
        models=models_of("model.json") if "pretrained" in SEGMENTATION else [],
    output:
        table="<results>/cohort/split.parquet",
        twin="<results>/cohort/split.tsv",
    log:
        "<logs>/split_patients.log",
    benchmark:
        "<benchmarks>/split_patients.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        # Slides that nobody annotated take no part, so that adding them trains nothing anew.
        slides=study.annotated_slides,
        settings=dict(config["split"], seed=config["seed"]),
        heads=MODELS,
        code=code_version("split_patients"),
    message:
        "Dividing the patients into training, validation and test"
    script:
        "../scripts/split_patients.py"
