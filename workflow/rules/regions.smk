"""Region maps and the areas of the regions."""

MAPPED = Stage(
    "<results>/regions",
    REGION_BATCHES,
    [
        f"{{slide}}/{name}"
        for name in (
            *("map.ome.zarr/zarr.json", "regions.geojson", "overlay.png"),
            "areas.json",
        )
    ],
)


rule map_regions:
    input:
        predictions=SEGMENTED.manifest,
        inspected=lambda wildcards: INSPECTED.manifests(REGION_BATCHES[wildcards.batch]),
    output:
        manifest=MAPPED.manifest,
    log:
        "<logs>/map_regions/{batch}.log",
    benchmark:
        "<benchmarks>/map_regions/{batch}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=minutes(REGION_BATCHES, 30, 10),
    params:
        slides=lambda wildcards: REGION_BATCHES[wildcards.batch],
        palette=PALETTE,
        settings=SEGMENTATION.get("map", {}),
        code=code_version("map_regions"),
    message:
        "Drawing the region maps of slides {wildcards.batch}"
    script:
        "../scripts/map_regions.py"


if "path" in config["areas"]:

    rule import_areas:
        input:
            table=config["areas"]["path"],
            patients="<results>/cohort/patients.parquet",
        output:
            patients="<results>/areas/patients.parquet",
            twin="<results>/areas/patients.tsv",
        log:
            "<logs>/import_areas.log",
        benchmark:
            "<benchmarks>/import_areas.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(1000),
            runtime=scaled(10),
        params:
            patient=config["areas"]["patient"],
            # In the order of the palette, which the tables and figures keep.
            columns={
                region: config["areas"]["columns"][region]
                for region in REGIONS
                if region in config["areas"]["columns"]
            },
            settings={key: config["areas"][key] for key in ("empty", "measure", "rows")},
            code=code_version("import_areas"),
        message:
            "Reading the areas that were brought along"
        script:
            "../scripts/import_areas.py"

else:

    rule collect_areas:
        input:
            mapped=MAPPED.manifests(),
        output:
            slides="<results>/areas/slides.parquet",
            slides_twin="<results>/areas/slides.tsv",
            patients="<results>/areas/patients.parquet",
            patients_twin="<results>/areas/patients.tsv",
        log:
            "<logs>/collect_areas.log",
        benchmark:
            "<benchmarks>/collect_areas.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(1000),
            runtime=scaled(10),
        params:
            patients=owners(USED_SLIDES),
            measure=config["areas"]["measure"],
            code=code_version("collect_areas"),
        message:
            "Averaging the areas of each patient's sections"
        script:
            "../scripts/collect_areas.py"
