"""Slides: inspected, judged and cut into tiles."""

SLIDE_BATCHES = batches("slides") if USED_SLIDES else {}
INSPECTED = Stage(
    "<results>/slides",
    SLIDE_BATCHES,
    list(map(str, Inspected.beneath(Path("{slide}")))),
)
TILED = {
    tiling: Stage(
        f"<results>/tiles/{tiling}", SLIDE_BATCHES, ["{slide}.zarr/zarr.json"]
    )
    for tiling in block("tilings")
}


rule inspect_slides:
    input:
        # A touched slide re-runs nothing, a changed one does: see params.slides.
        slides=lambda wildcards: [
            ancient(path)
            for path in study.coming.here(
                cells(SLIDE_BATCHES[wildcards.batch], "path")
            )
        ],
        masks=lambda wildcards: cells(SLIDE_BATCHES[wildcards.batch], "tissue_mask"),
    output:
        manifest=INSPECTED.manifest,
    log:
        "<logs>/inspect_slides/{batch}.log",
    benchmark:
        "<benchmarks>/inspect_slides/{batch}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 1
    resources:
        mem_mb=scaled_with("tissue_mask", 4000),
        runtime=minutes(SLIDE_BATCHES, 60, 10),
    params:
        slides=lambda wildcards: {
            slide: {
                "path": slide_row(slide).path,
                "content": slide_content(slide),
                "mpp": (optional(slide_row(slide).mpp) or [None])[0],
                "tissue_mask": optional(slide_row(slide).tissue_mask),
            }
            for slide in SLIDE_BATCHES[wildcards.batch]
        },
        settings={
            key: value
            for key, value in config["slides"].items()
            if key not in ("limits", "slides_per_job")
        },
        code=code_version("inspect_slides"),
    message:
        "Inspecting slides {wildcards.batch}"
    script:
        "../scripts/inspect_slides.py"


rule collect_quality:
    input:
        inspected=INSPECTED.manifests(),
        tiles=[path for tiling in JUDGED_TILINGS for path in TILED[tiling].manifests()],
    output:
        table="<results>/slides/quality.parquet",
        twin="<results>/slides/quality.tsv",
    log:
        "<logs>/collect_quality.log",
    benchmark:
        "<benchmarks>/collect_quality.tsv"
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        patients=dict(study.used["patient"]),
        excluded=[
            {"slide": row.slide, "patient": row.patient, "reason": row.exclude}
            for row in study.slides[study.slides["exclude"].notna()].itertuples()
        ],
        limits=config["slides"]["limits"],
        code=code_version("collect_quality"),
    message:
        "Listing which slides can be used, and why others cannot"
    script:
        "../scripts/collect_quality.py"


rule check_slides:
    input:
        quality=rules.collect_quality.output.table,
        # Whoever has to mend slides wants to see them.
        sheet="<results>/slides/contact_sheet.png",
    output:
        table="<results>/slides/counts.parquet",
        twin="<results>/slides/counts.tsv",
    log:
        "<logs>/check_slides.log",
    benchmark:
        "<benchmarks>/check_slides.tsv"
    # Before a training starts that would be in vain.
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        on_bad_slide=config["on_bad_slide"],
        code=code_version("check_slides"),
    message:
        "Checking that the slides are fit for the study"
    script:
        "../scripts/check_slides.py"


rule draw_contact_sheet:
    input:
        # Named by its path: see `plain_paths`.
        quality="<results>/slides/quality.parquet",
        inspected=INSPECTED.manifests(),
    output:
        "<results>/slides/contact_sheet.png",
    log:
        "<logs>/draw_contact_sheet.log",
    benchmark:
        "<benchmarks>/draw_contact_sheet.tsv"
    priority: 100
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        slides=USED_SLIDES,
        code=code_version("draw_contact_sheet"),
    message:
        "Drawing all slides with their tissue and artefacts"
    script:
        "../scripts/draw_contact_sheet.py"


rule tile_slides:
    input:
        slides=lambda wildcards: [
            ancient(path)
            for path in study.coming.here(
                cells(SLIDE_BATCHES[wildcards.batch], "path")
            )
        ],
        annotations=lambda wildcards: cells(
            SLIDE_BATCHES[wildcards.batch], "annotation"
        ),
        inspected=INSPECTED.manifest,
        reference=lambda wildcards: config["tilings"][wildcards.tiling]["stain"].get(
            "reference", []
        ),
    output:
        manifest="<results>/tiles/{tiling}/.batches/{batch}.json",
    log:
        "<logs>/tile_slides/{tiling}/{batch}.log",
    benchmark:
        "<benchmarks>/tile_slides/{tiling}/{batch}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 4
    resources:
        mem_mb=scaled_with("annotation", 4000),
        runtime=minutes(SLIDE_BATCHES, 60, 20),
    params:
        slides=lambda wildcards: {
            slide: {
                "path": slide_row(slide).path,
                "palette": annotation_palette(slide),
                "annotation": optional(slide_row(slide).annotation),
                # A folder's own time says nothing about what lies in it.
                "annotated": [
                    fingerprint(Path(path))
                    for path in optional(slide_row(slide).annotation)
                    if Path(path).is_dir()
                ],
            }
            for slide in SLIDE_BATCHES[wildcards.batch]
        },
        verdicts=slide_verdicts,
        tiling=lambda wildcards: config["tilings"][wildcards.tiling],
        code=code_version("tile_slides"),
    message:
        "Cutting slides {wildcards.batch} into {wildcards.tiling} tiles"
    script:
        "../scripts/tile_slides.py"
