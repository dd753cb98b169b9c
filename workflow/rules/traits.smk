"""Traits: labels, networks by round, probabilities of tiles, scores, and what they are worth."""

TRAITS = block("traits")
NAMED_TRAITS = TRAITS.get("named", {})
TILE_TRAITS = study.tile_traits
BAG_TRAITS = study.bag_traits
TRAINS_TRAITS = bool(TRAITS) and not study.brings_trait_models
# Slides to learn from; others, whose role is to be told, change no training.
LEARNED_SLIDES = [row.slide for row in study.used.itertuples() if row.role != "apply"]
# Tile traits that share a tiling are applied in one pass over its tiles.
BY_TILING = {
    tiling: [trait for trait in TILE_TRAITS if study.trait_tiling(trait) == tiling]
    for tiling in dict.fromkeys(map(study.trait_tiling, TILE_TRAITS))
}
TRAIT_BATCHES = batches("traits")
PREDICTED = {
    tiling: Stage(
        f"<results>/traits/predictions/{tiling}",
        TRAIT_BATCHES,
        [
            f"{{slide}}/{trait}/{number}.zarr/zarr.json"
            for trait in traits
            for number in study.trait_rounds(trait)
        ],
    )
    for tiling, traits in BY_TILING.items()
}


# Beside their folders lie others, of the heterogeneity and the maps.
wildcard_constraints:
    trait=any_of(study.traits),


# Columns that traits alone read, so that one more of them re-runs nothing else.
use rule write_patients as write_strata with:
    output:
        table="<results>/traits/strata.parquet",
        twin="<results>/traits/strata.tsv",
    log:
        "<logs>/write_strata.log",
    benchmark:
        "<benchmarks>/write_strata.tsv"
    params:
        labels=undeclared(TRAITS.get("rounds", {}).get("stratify", [])),
        cohorts={},
    message:
        "Reading the columns by which rounds are stratified"


# One table a trait, so that another trait re-runs no training of this one.
use rule write_patients as write_trait_column with:
    output:
        table="<results>/traits/{trait}/patients.parquet",
        twin="<results>/traits/{trait}/patients.tsv",
    log:
        "<logs>/write_trait_column/{trait}.log",
    benchmark:
        "<benchmarks>/write_trait_column/{trait}.tsv"
    params:
        labels=lambda wildcards: undeclared(trait_columns(wildcards.trait)),
        cohorts={},
    message:
        "Reading the column of patients that {wildcards.trait} goes by"


rule divide_rounds:
    input:
        patients=(
            rules.write_strata.output.table
            if TRAITS.get("rounds", {}).get("stratify")
            else []
        ),
    output:
        rounds="<results>/traits/rounds.parquet",
        twin="<results>/traits/rounds.tsv",
    log:
        "<logs>/divide_rounds.log",
    benchmark:
        "<benchmarks>/divide_rounds.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        slides=[
            {"slide": slide, "patient": slide_row(slide).patient}
            for slide in LEARNED_SLIDES
        ],
        settings=TRAITS.get("rounds"),
        seed=config["seed"],
        code=code_version("divide_rounds"),
    message:
        "Dividing the patients once for all traits"
    script:
        "../scripts/divide_rounds.py"


rule label_slides:
    input:
        patients=lambda wildcards: (
            ["<results>/traits/{trait}/patients.parquet"]
            if trait_columns(wildcards.trait)
            else []
        ),
        rounds=rules.divide_rounds.output.rounds,
        expression=lambda wildcards: (
            ["<results>/omics/expression.parquet"]
            if "expression" in NAMED_TRAITS[wildcards.trait]
            else []
        ),
    output:
        labels="<results>/traits/{trait}/labels.parquet",
        twin="<results>/traits/{trait}/labels.tsv",
    log:
        "<logs>/label_slides/{trait}.log",
    benchmark:
        "<benchmarks>/label_slides/{trait}.tsv"
    # Before a training starts that would be in vain.
    priority: 100
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        slides=lambda wildcards: trait_rows(wildcards.trait, LEARNED_SLIDES),
        settings=lambda wildcards: {
            key: value
            for key, value in NAMED_TRAITS[wildcards.trait].items()
            if key in ("labels", "expression")
        },
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        code=code_version("label_slides"),
    message:
        "Labelling the slides by {wildcards.trait}"
    script:
        "../scripts/label_slides.py"


rule train_trait:
    input:
        tiles=lambda wildcards: trait_tiles(wildcards.trait, LEARNED_SLIDES),
        labels="<results>/traits/{trait}/labels.parquet",
        rounds=rules.divide_rounds.output.rounds,
        encoder_weights=lambda wildcards: [
            ancient(path)
            for path in file_of_weights(study.trait_settings(wildcards.trait))
        ],
    output:
        description="<results>/traits/{trait}/{round}/model.json",
        weights="<results>/traits/{trait}/{round}/model.safetensors",
        history="<results>/traits/{trait}/{round}/history.parquet",
        twin="<results>/traits/{trait}/{round}/history.tsv",
        augmented=report(
            "<results>/traits/{trait}/{round}/augmented.png",
            caption="../report/trait_augmented.rst",
            category="Traits",
        ),
    log:
        "<logs>/train_trait/{trait}/{round}.log",
    benchmark:
        "<benchmarks>/train_trait/{trait}/{round}.tsv"
    wildcard_constraints:
        trait=any_of(TILE_TRAITS),
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
        slides=LEARNED_SLIDES,
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        settings=trait_settings,
        content=lambda wildcards: content_of_weights(
            study.trait_settings(wildcards.trait)
        ),
        seed=config["seed"],
        code=code_version("train_trait"),
    message:
        "Training the network for {wildcards.trait}, round {wildcards.round}"
    script:
        "../scripts/train_trait.py"


# A GPU job pays its start-up once for several slides, and a slide's tiles are read once for
# all traits and rounds.
rule classify_slides:
    input:
        tiles=lambda wildcards: TILED[wildcards.tiling].manifests(
            TRAIT_BATCHES[wildcards.batch]
        ),
        models=lambda wildcards: [
            path
            for trait in BY_TILING[wildcards.tiling]
            for path in trait_models(trait)
        ],
    output:
        manifest="<results>/traits/predictions/{tiling}/.batches/{batch}.json",
    log:
        "<logs>/classify_slides/{tiling}/{batch}.log",
    benchmark:
        "<benchmarks>/classify_slides/{tiling}/{batch}.tsv"
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
        rounds=lambda wildcards: {
            trait: study.trait_rounds(trait) for trait in BY_TILING[wildcards.tiling]
        },
        code=code_version("classify_slides"),
    message:
        "Finding the traits on the {wildcards.tiling} tiles of slides {wildcards.batch}"
    script:
        "../scripts/classify_slides.py"


rule score_trait:
    input:
        predictions=lambda wildcards: predictions_of(wildcards.trait),
        labels="<results>/traits/{trait}/labels.parquet" if TRAINS_TRAITS else [],
        rounds=rules.divide_rounds.output.rounds if TRAINS_TRAITS else [],
        brought=lambda wildcards: brought_choice(wildcards.trait),
    output:
        scores="<results>/traits/{trait}/scores.parquet",
        scores_twin="<results>/traits/{trait}/scores.tsv",
        choice="<results>/traits/{trait}/choice.parquet",
        choice_twin="<results>/traits/{trait}/choice.tsv",
    log:
        "<logs>/score_trait/{trait}.log",
    benchmark:
        "<benchmarks>/score_trait/{trait}.tsv"
    wildcard_constraints:
        trait=any_of(TILE_TRAITS),
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        patients=owners(USED_SLIDES),
        rounds=lambda wildcards: study.trait_rounds(wildcards.trait),
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        settings=lambda wildcards: {
            key: study.trait_scoring(wildcards.trait)[key]
            for key in ("best", "score", "slide_threshold", "tile_threshold", "vote")
        },
        code=code_version("score_trait"),
    message:
        "Scoring the slides by {wildcards.trait}"
    script:
        "../scripts/score_trait.py"


rule evaluate_trait:
    input:
        # Bags have no probabilities of tiles.
        predictions=lambda wildcards: (
            predictions_of(wildcards.trait) if wildcards.trait in TILE_TRAITS else []
        ),
        labels="<results>/traits/{trait}/labels.parquet",
        rounds=rules.divide_rounds.output.rounds,
        scores="<results>/traits/{trait}/scores.parquet",
        choice="<results>/traits/{trait}/choice.parquet",
    output:
        **{
            f"{name}{ending}": f"<results>/traits/{{trait}}/{name}.{kind}"
            for name in ("metrics", "confusion", "roc", "agreement")
            for ending, kind in (("", "parquet"), ("_twin", "tsv"))
        },
    log:
        "<logs>/evaluate_trait/{trait}.log",
    benchmark:
        "<benchmarks>/evaluate_trait/{trait}.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(60),
    params:
        slides=USED_SLIDES,
        rounds=lambda wildcards: study.trait_rounds(wildcards.trait),
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        settings=lambda wildcards: {
            key: study.trait_scoring(wildcards.trait)[key]
            for key in ("patient", "score", "tile_threshold", "vote")
        },
        seed=config["seed"],
        code=code_version("evaluate_trait"),
    message:
        "Measuring how well {wildcards.trait} is told on patients not seen before"
    script:
        "../scripts/evaluate_trait.py"


rule summarise_traits:
    input:
        **{
            name: expand(
                f"<results>/traits/{{trait}}/{name}.parquet", trait=study.traits
            )
            for name in ("labels", "metrics", "agreement")
        },
    output:
        labels="<results>/traits/labels.parquet",
        labels_twin="<results>/traits/labels.tsv",
        metrics="<results>/traits/metrics.parquet",
        metrics_twin=report(
            "<results>/traits/metrics.tsv",
            caption="../report/trait_metrics.rst",
            category="Traits",
        ),
        agreement="<results>/traits/agreement.parquet",
        agreement_twin="<results>/traits/agreement.tsv",
        rounds="<results>/traits/round_table.parquet",
        rounds_twin=report(
            "<results>/traits/round_table.tsv",
            caption="../report/trait_round_table.rst",
            category="Traits",
        ),
    log:
        "<logs>/summarise_traits.log",
    benchmark:
        "<benchmarks>/summarise_traits.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        traits=study.traits,
        code=code_version("summarise_traits"),
    message:
        "Setting the traits side by side"
    script:
        "../scripts/summarise_traits.py"


rule compare_trainings:
    input:
        metrics=expand("<results>/traits/{trait}/metrics.parquet", trait=study.traits),
        rounds=rules.divide_rounds.output.rounds,
    output:
        comparisons="<results>/traits/comparisons.parquet",
        twin=report(
            "<results>/traits/comparisons.tsv",
            caption="../report/trait_comparisons.rst",
            category="Traits",
        ),
    log:
        "<logs>/compare_trainings.log",
    benchmark:
        "<benchmarks>/compare_trainings.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        traits=study.traits,
        comparisons=TRAITS.get("comparisons"),
        code=code_version("compare_trainings"),
    message:
        "Comparing ways of training by their rounds"
    script:
        "../scripts/compare_trainings.py"


rule evaluate_chain:
    input:
        predictions=lambda wildcards: unique(
            path
            for trait in chain_traits(wildcards.chain)
            for path in predictions_of(trait)
        ),
        labels=lambda wildcards: (
            f"<results>/traits/{TRAITS['chains'][wildcards.chain]['single']}/labels.parquet"
        ),
        rounds=rules.divide_rounds.output.rounds,
    output:
        metrics="<results>/traits/chains/{chain}/metrics.parquet",
        metrics_twin="<results>/traits/chains/{chain}/metrics.tsv",
        comparison="<results>/traits/chains/{chain}/comparison.parquet",
        comparison_twin=report(
            "<results>/traits/chains/{chain}/comparison.tsv",
            caption="../report/trait_chain.rst",
            category="Traits",
        ),
    log:
        "<logs>/evaluate_chain/{chain}.log",
    benchmark:
        "<benchmarks>/evaluate_chain/{chain}.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(60),
    params:
        slides=USED_SLIDES,
        rounds=study.rounds,
        steps=lambda wildcards: study.chain_steps(wildcards.chain),
        single=lambda wildcards: TRAITS["chains"][wildcards.chain]["single"],
        tilings=lambda wildcards: {
            trait: study.trait_tiling(trait) for trait in chain_traits(wildcards.chain)
        },
        test=lambda wildcards: TRAITS["chains"][wildcards.chain]["test"],
        classes=lambda wildcards: study.trait_classes(
            TRAITS["chains"][wildcards.chain]["single"]
        ),
        score=TRAITS.get("scoring", {}).get("score"),
        seed=config["seed"],
        code=code_version("evaluate_chain"),
    message:
        "Setting the chain {wildcards.chain} against a single network"
    script:
        "../scripts/evaluate_chain.py"
