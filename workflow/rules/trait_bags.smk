"""Traits learned from the slide's label alone: features of tiles, attention over them, scores."""

FEATURES = TRAITS.get("features", {})
BAG_TILINGS = list(dict.fromkeys(map(study.trait_tiling, BAG_TRAITS)))


for tiling in BAG_TILINGS:
    for number, batch in TRAIT_BATCHES.items():

        rule:
            name:
                f"encode_slides_{tiling}_{number}"
            input:
                tiles=expand(
                    "<results>/tiles/{tiling}/{slide}.zarr/zarr.json",
                    tiling=tiling,
                    slide=batch,
                ),
                encoder_weights=[ancient(path) for path in file_of_weights(FEATURES)],
            output:
                expand(
                    "<results>/features/{tiling}/{slide}.zarr/zarr.json",
                    tiling=tiling,
                    slide=batch,
                ),
            log:
                f"<logs>/encode_slides/{tiling}_{number}.log",
            benchmark:
                f"<benchmarks>/encode_slides/{tiling}_{number}.tsv"
            conda:
                "../../envs/imaging.yaml"
            container:
                CONTAINERS["imaging"]
            threads: 4
            resources:
                mem_mb=scaled(8000),
                runtime=scaled(240),
                gpu=1,
            params:
                slides=batch,
                settings=by_name(FEATURES),
                content=lambda wildcards: content_of_weights(FEATURES),
                code=code_version("encode_slides"),
            message:
                f"Describing the tiles of {len(batch)} slides by {FEATURES['encoder']}"
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


# A rule a trait, each with the paths of its own: where a pattern stands for thousands of outputs,
# Snakemake compares every file of the run with all of them.
for trait in BAG_TRAITS:

    rule:
        name:
            f"score_trait_mil_{trait}"
        input:
            features=features_of(trait, USED_SLIDES),
            models=trait_models(trait),
            labels=f"<results>/traits/{trait}/labels.parquet" if TRAINS_TRAITS else [],
            rounds=rules.divide_rounds.output.rounds if TRAINS_TRAITS else [],
            brought=brought_choice(trait),
        output:
            attention=expand(
                "<results>/traits/{trait}/attention/{slide}.zarr/zarr.json",
                trait=trait,
                slide=USED_SLIDES,
            ),
            scores=f"<results>/traits/{trait}/scores.parquet",
            scores_twin=f"<results>/traits/{trait}/scores.tsv",
            choice=f"<results>/traits/{trait}/choice.parquet",
            choice_twin=f"<results>/traits/{trait}/choice.tsv",
        log:
            f"<logs>/score_trait_mil/{trait}.log",
        benchmark:
            f"<benchmarks>/score_trait_mil/{trait}.tsv"
        conda:
            "../../envs/imaging.yaml"
        container:
            CONTAINERS["imaging"]
        threads: 2
        resources:
            mem_mb=scaled(8000),
            runtime=scaled(120),
        params:
            trait=trait,
            patients=dict(study.used["patient"]),
            rounds=study.trait_rounds(trait),
            classes=study.trait_classes(trait),
            bag=study.trait_settings(trait)["bag"],
            settings={
                key: study.trait_scoring(trait)[key]
                for key in ("best", "slide_threshold")
            },
            code=code_version("score_trait_mil"),
        message:
            f"Scoring the slides by {trait}, and where the networks looked"
        script:
            "../scripts/score_trait_mil.py"
