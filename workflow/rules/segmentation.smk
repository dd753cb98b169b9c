"""Segmentation: networks trained by head, applied to batches of slides, and evaluated."""

REGION_BATCHES = batches("segmentation")
SEGMENTED_TILES = TILED.get(SEGMENTATION.get("tiling"), Stage("none", {}, []))
SEGMENTED = Stage("<results>/segmentation", REGION_BATCHES, ["{slide}.zarr/zarr.json"])

if "pretrained" not in SEGMENTATION:
    # Where trials are searched, each is trained like a model, and the best is taken for it.
    TRAINED = "tuning/{head}/{fold}/{trial}" if TRIALS else "models/{head}/{fold}"

    rule train_head:
        input:
            tiles=SEGMENTED_TILES.manifests(ANNOTATED),
            split="<results>/cohort/split.parquet",
            encoder_weights=lambda wildcards: [
                ancient(path) for path in file_of_weights(head_settings(wildcards))
            ],
        output:
            description=f"<results>/{TRAINED}/model.json",
            weights=f"<results>/{TRAINED}/model.safetensors",
            history=f"<results>/{TRAINED}/history.parquet",
            twin=f"<results>/{TRAINED}/history.tsv",
            augmented=report(
                f"<results>/{TRAINED}/augmented.png",
                caption="../report/augmented.rst",
                category="Segmentation",
            ),
        log:
            f"<logs>/train_head/{TRAINED}.log",
        benchmark:
            f"<benchmarks>/train_head/{TRAINED}.tsv"
        conda:
            "../../envs/imaging.yaml"
        container:
            CONTAINERS["imaging"]
        threads: 8
        resources:
            mem_mb=scaled(16000),
            runtime=scaled(720, largest=LONGEST_MIN),
            gpu=1,
        params:
            slides=ANNOTATED,
            patients=owners(ANNOTATED),
            palette=LABELS,
            settings=training_settings,
            content=lambda wildcards: content_of_weights(head_settings(wildcards)),
            # In a cross-validation the patients' roles differ by fold.
            by_fold=study.cross_validates,
            seed=config["seed"],
            code=code_version("train_head"),
        message:
            "Training the network for {wildcards.head}, fold {wildcards.fold}"
            + (", trial {wildcards.trial}" if TRIALS else "")
        script:
            "../scripts/train_head.py"


# A GPU job pays its start-up once for several slides.
rule segment_slides:
    input:
        tiles=lambda wildcards: SEGMENTED_TILES.manifests(
            REGION_BATCHES[wildcards.batch]
        ),
        models=models_of("model.json"),
    output:
        manifest=SEGMENTED.manifest,
    log:
        "<logs>/segment_slides/{batch}.log",
    benchmark:
        "<benchmarks>/segment_slides/{batch}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 4
    resources:
        mem_mb=scaled(8000),
        runtime=minutes(REGION_BATCHES, 30, 6),
        gpu=1,
    params:
        patients=lambda wildcards: owners(REGION_BATCHES[wildcards.batch]),
        heads=MODELS,
        palette=LABELS,
        settings=SEGMENTATION.get("application"),
        code=code_version("segment_slides"),
    message:
        "Finding the regions of slides {wildcards.batch}"
    script:
        "../scripts/segment_slides.py"


rule evaluate_segmentation:
    input:
        tiles=SEGMENTED_TILES.manifests(ANNOTATED),
        predictions=SEGMENTED.manifests(ANNOTATED),
        split="<results>/cohort/split.parquet",
    output:
        metrics="<results>/segmentation/metrics.parquet",
        metrics_twin="<results>/segmentation/metrics.tsv",
        confusion="<results>/segmentation/confusion.parquet",
        confusion_twin="<results>/segmentation/confusion.tsv",
        agreement="<results>/segmentation/agreement.parquet",
        agreement_twin="<results>/segmentation/agreement.tsv",
        calibration="<results>/segmentation/calibration.parquet",
        calibration_twin="<results>/segmentation/calibration.tsv",
    log:
        "<logs>/evaluate_segmentation.log",
    benchmark:
        "<benchmarks>/evaluate_segmentation.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        slides=ANNOTATED,
        patients=owners(ANNOTATED),
        palette=LABELS,
        seed=config["seed"],
        code=code_version("evaluate_segmentation"),
    message:
        "Comparing the regions found with those annotated"
    script:
        "../scripts/evaluate_segmentation.py"
