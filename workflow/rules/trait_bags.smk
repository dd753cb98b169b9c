"""Traits learned from the slide's label alone: features of tiles, attention over them, scores."""

FEATURES = TRAITS.get("features", {})
ENCODED = {
    tiling: Stage(
        f"<results>/features/{tiling}", TRAIT_BATCHES, ["{slide}.zarr/zarr.json"]
    )
    for tiling in unique(
        [
            *map(study.trait_tiling, BAG_TRAITS),
            *([study.signature_tiling] if has("slide_signature") else []),
        ]
    )
}
ATTENDED = {
    trait: Stage(
        f"<results>/traits/{trait}/attention",
        {"all": USED_SLIDES},
        ["{slide}.zarr/zarr.json"],
    )
    for trait in BAG_TRAITS
}


rule encode_slides:
    input:
        tiles=lambda wildcards: TILED[wildcards.tiling].manifests(
            TRAIT_BATCHES[wildcards.batch]
        ),
        encoder_weights=(
            [ancient(path) for path in file_of_weights(FEATURES)] if FEATURES else []
        ),
    output:
        manifest="<results>/features/{tiling}/.batches/{batch}.json",
    log:
        "<logs>/encode_slides/{tiling}/{batch}.log",
    benchmark:
        "<benchmarks>/encode_slides/{tiling}/{batch}.tsv"
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 4
    resources:
        mem_mb=scaled(8000),
        runtime=minutes(TRAIT_BATCHES, 60, 12),
        gpu=1,
    params:
        slides=lambda wildcards: TRAIT_BATCHES[wildcards.batch],
        settings=by_name(FEATURES) if FEATURES else {},
        content=lambda wildcards: content_of_weights(FEATURES),
        code=code_version("encode_slides"),
    message:
        f"Describing the {{wildcards.tiling}} tiles of slides {{wildcards.batch}} by "
        f"{FEATURES.get('encoder')}"
    script:
        "../scripts/encode_slides.py"


rule train_trait_mil:
    input:
        features=lambda wildcards: features_of(wildcards.trait, LEARNED_SLIDES),
        labels="<results>/traits/{trait}/labels.parquet",
        rounds=rules.divide_rounds.output.rounds,
    output:
        description="<results>/traits/{trait}/{round}/model.json",
        weights="<results>/traits/{trait}/{round}/model.safetensors",
        history="<results>/traits/{trait}/{round}/history.parquet",
        twin="<results>/traits/{trait}/{round}/history.tsv",
    log:
        "<logs>/train_trait_mil/{trait}/{round}.log",
    benchmark:
        "<benchmarks>/train_trait_mil/{trait}/{round}.tsv"
    wildcard_constraints:
        trait=any_of(BAG_TRAITS),
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 4
    resources:
        mem_mb=scaled(16000),
        runtime=scaled(240),
        gpu=1,
    params:
        slides=LEARNED_SLIDES,
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        settings=lambda wildcards: study.trait_settings(wildcards.trait),
        seed=config["seed"],
        code=code_version("train_trait_mil"),
    message:
        "Training attention for {wildcards.trait}, round {wildcards.round}"
    script:
        "../scripts/train_trait_mil.py"


rule score_trait_mil:
    input:
        features=lambda wildcards: features_of(wildcards.trait),
        models=lambda wildcards: trait_models(wildcards.trait),
        labels="<results>/traits/{trait}/labels.parquet" if TRAINS_TRAITS else [],
        rounds=rules.divide_rounds.output.rounds if TRAINS_TRAITS else [],
        brought=lambda wildcards: brought_choice(wildcards.trait),
    output:
        attention="<results>/traits/{trait}/attention/.batches/all.json",
        scores="<results>/traits/{trait}/scores.parquet",
        scores_twin="<results>/traits/{trait}/scores.tsv",
        choice="<results>/traits/{trait}/choice.parquet",
        choice_twin="<results>/traits/{trait}/choice.tsv",
    log:
        "<logs>/score_trait_mil/{trait}.log",
    benchmark:
        "<benchmarks>/score_trait_mil/{trait}.tsv"
    wildcard_constraints:
        trait=any_of(BAG_TRAITS),
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 2
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(120),
    params:
        patients=owners(USED_SLIDES),
        rounds=lambda wildcards: study.trait_rounds(wildcards.trait),
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        bag=lambda wildcards: study.trait_settings(wildcards.trait)["bag"],
        settings=lambda wildcards: {
            key: study.trait_scoring(wildcards.trait)[key]
            for key in ("best", "slide_threshold")
        },
        code=code_version("score_trait_mil"),
    message:
        "Scoring the slides by {wildcards.trait}, and where the networks looked"
    script:
        "../scripts/score_trait_mil.py"
