"""Figures of traits, and what of them the page and the bundle take."""

EXPRESSED_TRAITS = [
    trait for trait, entry in NAMED_TRAITS.items() if "expression" in entry
]
CHAINS = list(TRAITS.get("chains", {}))


rule draw_trait:
    input:
        roc="<results>/traits/{trait}/roc.parquet",
        metrics="<results>/traits/{trait}/metrics.parquet",
        confusion="<results>/traits/{trait}/confusion.parquet",
        histories=expand(
            "<results>/traits/{{trait}}/{round}/history.parquet", round=study.rounds
        ),
    output:
        **figure("trait_roc", "Traits", "_{trait}"),
        **figure("trait_confusion", "Traits", "_{trait}"),
        **figure("trait_training", "Traits", "_{trait}"),
    log:
        "<logs>/draw_trait/{trait}.log",
    benchmark:
        "<benchmarks>/draw_trait/{trait}.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        rounds=study.rounds,
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        monitor=lambda wildcards: study.trait_settings(wildcards.trait)["monitor"],
        measure=lambda wildcards: (
            "validation_auc"
            if wildcards.trait in BAG_TRAITS
            else "validation_slide_auc"
        ),
        code=code_version("draw_trait"),
    message:
        "Drawing how {wildcards.trait} was learned, and how well it is told"
    script:
        "../scripts/draw_trait.py"


rule draw_trait_scores:
    input:
        scores="<results>/traits/{trait}/scores.parquet",
        labels="<results>/traits/{trait}/labels.parquet",
        rounds=rules.divide_rounds.output.rounds,
        agreement="<results>/traits/agreement.parquet",
    output:
        **figure("trait_scores", "Traits", "_{trait}"),
    log:
        "<logs>/draw_trait_scores/{trait}.log",
    benchmark:
        "<benchmarks>/draw_trait_scores/{trait}.tsv"
    wildcard_constraints:
        trait=any_of(EXPRESSED_TRAITS),
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        positive=lambda wildcards: study.trait_classes(wildcards.trait)[1],
        score=TRAITS.get("scoring", {}).get("score"),
        cuts=lambda wildcards: [
            NAMED_TRAITS[wildcards.trait]["expression"][key] for key in ("low", "high")
        ],
        code=code_version("draw_trait_scores"),
    message:
        "Drawing the scores of {wildcards.trait} against what was measured"
    script:
        "../scripts/draw_trait_scores.py"


rule draw_traits:
    input:
        metrics="<results>/traits/metrics.parquet",
    output:
        **figure("trait_rounds", "Traits"),
    log:
        "<logs>/draw_traits.log",
    benchmark:
        "<benchmarks>/draw_traits.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        traits=study.traits,
        code=code_version("draw_traits"),
    message:
        "Drawing the traits side by side"
    script:
        "../scripts/draw_traits.py"


rule draw_trait_comparisons:
    input:
        comparisons="<results>/traits/comparisons.parquet",
        metrics="<results>/traits/metrics.parquet",
    output:
        **figure("trait_comparisons", "Traits"),
    log:
        "<logs>/draw_trait_comparisons.log",
    benchmark:
        "<benchmarks>/draw_trait_comparisons.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        code=code_version("draw_trait_comparisons"),
    message:
        "Drawing ways of training beside each other"
    script:
        "../scripts/draw_trait_comparisons.py"


rule draw_chain:
    input:
        metrics="<results>/traits/chains/{chain}/metrics.parquet",
        comparison="<results>/traits/chains/{chain}/comparison.parquet",
    output:
        **figure("chain", "Traits", "_{chain}"),
    log:
        "<logs>/draw_chain/{chain}.log",
    benchmark:
        "<benchmarks>/draw_chain/{chain}.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        code=code_version("draw_chain"),
    message:
        "Drawing the chain {wildcards.chain} beside the single network"
    script:
        "../scripts/draw_chain.py"


rule draw_heterogeneity:
    input:
        patients="<results>/traits/heterogeneity/patients.parquet",
    output:
        **figure("heterogeneity", "Traits", "_{index}"),
    log:
        "<logs>/draw_heterogeneity/{index}.log",
    benchmark:
        "<benchmarks>/draw_heterogeneity/{index}.tsv"
    wildcard_constraints:
        index=any_of(HETEROGENEITY),
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        traits=lambda wildcards: HETEROGENEITY[wildcards.index],
        code=code_version("draw_heterogeneity"),
    message:
        "Drawing the heterogeneity index {wildcards.index}"
    script:
        "../scripts/draw_heterogeneity.py"


# Tables of the traits by the names that the summary page knows.
TRAIT_TABLES = {
    **when(
        TRAINS_TRAITS,
        trait_division="traits/rounds",
        trait_labels="traits/labels",
        trait_metrics="traits/metrics",
        trait_agreement="traits/agreement",
        trait_rounds_table="traits/round_table",
    ),
    **when(TRAITS.get("comparisons"), trait_comparisons="traits/comparisons"),
    **when(HETEROGENEITY, heterogeneity="traits/heterogeneity/patients"),
}
TRAIT_FIGURES = [
    *(
        [
            *rules.draw_traits.output,
            *expand(rules.draw_trait.output, trait=study.traits),
            *expand(rules.draw_trait_scores.output, trait=EXPRESSED_TRAITS),
            *expand(rules.draw_chain.output, chain=CHAINS),
        ]
        if TRAINS_TRAITS
        else []
    ),
    *(rules.draw_trait_comparisons.output if TRAITS.get("comparisons") else []),
    *expand(rules.draw_heterogeneity.output, index=HETEROGENEITY),
]
TRAIT_CHAINS = (
    expand("<results>/traits/chains/{chain}/comparison.parquet", chain=CHAINS)
    if TRAINS_TRAITS
    else []
)
TRAIT_GALLERIES = (
    expand("<results>/traits/{trait}/gallery.png", trait=TILE_TRAITS)
    if TRAINS_TRAITS
    else []
)
# Pictures of a slide by the names that the summary page knows.
TRAIT_MAPS = {
    **when(TRAITS, heat_maps=["traits/maps/{slide}/heat_maps.png"]),
    **when(
        HETEROGENEITY,
        heterogeneity_maps=[
            f"traits/maps/{{slide}}/heterogeneity_{name}.png" for name in HETEROGENEITY
        ],
    ),
}
# What the bundle takes of every slide.
TRAIT_SLIDE_FILES = [
    *(place for places in TRAIT_MAPS.values() for place in places),
    *(
        f"traits/maps/{{slide}}/{trait}.{ending}"
        for trait in TILE_TRAITS
        for ending in ("zarr/zarr.json", "geojson")
    ),
    *(f"traits/{trait}/attention/{{slide}}.zarr/zarr.json" for trait in BAG_TRAITS),
]
# What the bundle takes beside tables, figures and networks.
TRAIT_FILES = [
    *expand(
        "<results>/traits/{trait}/scores.{ending}",
        trait=study.traits,
        ending=["parquet", "tsv"],
    ),
    *(
        [
            *expand(rules.evaluate_trait.output, trait=study.traits),
            *expand(rules.choose_review_tiles.output, trait=TILE_TRAITS),
            *expand(rules.evaluate_chain.output, chain=CHAINS),
        ]
        if TRAINS_TRAITS
        else []
    ),
    *(rules.collect_heterogeneity.output if HETEROGENEITY else []),
]
# Networks, and which of them vote, as the key `pretrained` wants them, by their names among
# the bundle's models.
TRAIT_MODEL_FILES = {
    **{
        f"traits/{trait}/{number}/{name}": str(Path(description).with_name(name))
        for trait in study.traits
        for number, description in zip(study.trait_rounds(trait), trait_models(trait))
        for name in (
            *("model.json", "model.safetensors"),
            *(("history.parquet", "history.tsv") if TRAINS_TRAITS else ()),
            *(["augmented.png"] if TRAINS_TRAITS and trait in TILE_TRAITS else []),
        )
    },
    **{
        f"traits/{trait}/choice.parquet": f"<results>/traits/{trait}/choice.parquet"
        for trait in study.traits
    },
}
