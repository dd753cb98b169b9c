"""Slides: inspected, judged and cut into tiles."""


rule inspect_slide:
    input:
        # A touched slide re-runs nothing, a changed one does: see params.content.
        slide=lambda wildcards: ancient(slide_row(wildcards.slide).path),
        mask=lambda wildcards: optional(slide_row(wildcards.slide).tissue_mask),
    output:
        report="<results>/slides/{slide}/inspection.json",
        thumbnail="<results>/slides/{slide}/thumbnail.png",
        tissue="<results>/slides/{slide}/tissue.png",
        contour="<results>/slides/{slide}/tissue.geojson",
        artefacts="<results>/slides/{slide}/artefacts.png",
        picture="<results>/slides/{slide}/contour.png",
    log:
        "<logs>/inspect_slide/{slide}.log",
    benchmark:
        "<benchmarks>/inspect_slide/{slide}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 1
    resources:
        mem_mb=scaled_with(["tissue_mask"], 4000),
        runtime=scaled(60),
    params:
        content=lambda wildcards: slide_content(wildcards.slide),
        slide=lambda wildcards: {
            "mpp": (optional(slide_row(wildcards.slide).mpp) or [None])[0],
            "tissue_mask": optional(slide_row(wildcards.slide).tissue_mask),
        },
        settings={
            key: value for key, value in config["slides"].items() if key != "limits"
        },
        code=code_version("inspect_slide"),
    message:
        "Inspecting slide {wildcards.slide}"
    script:
        "../scripts/inspect_slide.py"


rule collect_quality:
    input:
        reports=expand("<results>/slides/{slide}/inspection.json", slide=USED_SLIDES),
        tiles=expand(
            "<results>/tiles/{tiling}/{slide}.zarr/zarr.json",
            tiling=JUDGED_TILINGS,
            slide=USED_SLIDES,
        ),
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
        pictures=expand("<results>/slides/{slide}/contour.png", slide=USED_SLIDES),
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
        code=code_version("draw_contact_sheet"),
    message:
        "Drawing all slides with their tissue and artefacts"
    script:
        "../scripts/draw_contact_sheet.py"


rule tile_slide:
    input:
        slide=lambda wildcards: ancient(slide_row(wildcards.slide).path),
        annotation=lambda wildcards: optional(slide_row(wildcards.slide).annotation),
        report=rules.inspect_slide.output.report,
        tissue=rules.inspect_slide.output.tissue,
        artefacts=rules.inspect_slide.output.artefacts,
        reference=lambda wildcards: config["tilings"][wildcards.tiling]["stain"].get(
            "reference", []
        ),
    output:
        tiles="<results>/tiles/{tiling}/{slide}.zarr/zarr.json",
    log:
        "<logs>/tile_slide/{tiling}/{slide}.log",
    benchmark:
        "<benchmarks>/tile_slide/{tiling}/{slide}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 4
    resources:
        mem_mb=scaled_with(["annotation"], 4000),
        runtime=scaled(60),
    params:
        content=lambda wildcards: slide_content(wildcards.slide),
        tiling=lambda wildcards: config["tilings"][wildcards.tiling],
        palette=lambda wildcards: annotation_palette(wildcards.slide),
        # A folder's own time says nothing about what lies in it.
        annotation=lambda wildcards: [
            fingerprint(Path(path))
            for path in optional(slide_row(wildcards.slide).annotation)
            if Path(path).is_dir()
        ],
        verdict=slide_verdict,
        code=code_version("tile_slide"),
    message:
        "Cutting {wildcards.slide} into {wildcards.tiling} tiles"
    script:
        "../scripts/tile_slide.py"
