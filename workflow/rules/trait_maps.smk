"""Maps of traits: votes on tiles, cartographies and heterogeneity, heat maps, galleries."""

HETEROGENEITY = study.heterogeneity
GALLERY = TRAITS.get("gallery", {})
# Layers of the cartographies, in the order of the traits.
MAPPED_TRAITS = [
    trait
    for trait in TILE_TRAITS
    if any(trait in own for own in HETEROGENEITY.values())
]


# They share a folder, which holds all that is found of a slide.
VOTED = Stage(
    "<results>/traits/maps",
    TRAIT_BATCHES if TILE_TRAITS else {},
    [
        *(f"{{slide}}/{trait}.zarr/zarr.json" for trait in TILE_TRAITS),
        *(["{slide}/cartography.zarr/zarr.json"] if HETEROGENEITY else []),
    ],
    ".votes",
)
DRAWN = Stage(
    "<results>/traits/maps",
    TRAIT_BATCHES,
    ["{slide}/heat_maps.png", *(f"{{slide}}/{trait}.geojson" for trait in TILE_TRAITS)],
    ".pictures",
)
MIXED = Stage(
    "<results>/traits/maps",
    TRAIT_BATCHES if HETEROGENEITY else {},
    [f"{{slide}}/heterogeneity_{name}.png" for name in HETEROGENEITY],
    ".heterogeneity",
)


rule vote_tiles:
    input:
        tiles=lambda wildcards: unique(
            path
            for trait in TILE_TRAITS
            for path in trait_tiles(trait, TRAIT_BATCHES[wildcards.batch])
        ),
        predictions=lambda wildcards: unique(
            path
            for trait in TILE_TRAITS
            for path in predictions_of(trait, TRAIT_BATCHES[wildcards.batch])
        ),
        choices=expand("<results>/traits/{trait}/choice.parquet", trait=TILE_TRAITS),
        rounds=rules.divide_rounds.output.rounds if TRAINS_TRAITS else [],
    output:
        manifest=VOTED.manifest,
    log:
        "<logs>/vote_tiles/{batch}.log",
    benchmark:
        "<benchmarks>/vote_tiles/{batch}.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=minutes(TRAIT_BATCHES, 15, 3),
    params:
        patients=lambda wildcards: owners(TRAIT_BATCHES[wildcards.batch]),
        rounds={trait: study.trait_rounds(trait) for trait in TILE_TRAITS},
        classes={trait: study.trait_classes(trait) for trait in TILE_TRAITS},
        tilings={trait: study.trait_tiling(trait) for trait in TILE_TRAITS},
        mapped=MAPPED_TRAITS,
        rule=TRAITS.get("scoring", {}).get("vote"),
        code=code_version("vote_tiles"),
    message:
        "Letting the networks vote on the tiles of slides {wildcards.batch}"
    script:
        "../scripts/vote_tiles.py"


rule collect_heterogeneity:
    input:
        votes=VOTED.manifests(),
        labels=(
            expand("<results>/traits/{trait}/labels.parquet", trait=MAPPED_TRAITS)
            if TRAINS_TRAITS
            else []
        ),
        # Named by its path: see `plain_paths`.
        rounds="<results>/traits/rounds.parquet" if TRAINS_TRAITS else [],
    output:
        **{
            f"{name}{ending}": f"<results>/traits/heterogeneity/{name}.{kind}"
            for name in ("slides", "combinations", "patients", "scores")
            for ending, kind in (("", "parquet"), ("_twin", "tsv"))
        },
    log:
        "<logs>/collect_heterogeneity.log",
    benchmark:
        "<benchmarks>/collect_heterogeneity.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        patients=owners(USED_SLIDES),
        traits=MAPPED_TRAITS,
        indices=HETEROGENEITY,
        settings={
            "among": TRAITS.get("hti", {}).get("among"),
            "rule": TRAITS.get("hti", {}).get("patient"),
        },
        code=code_version("collect_heterogeneity"),
    message:
        "Measuring how mixed the traits are"
    script:
        "../scripts/collect_heterogeneity.py"


rule draw_trait_maps:
    input:
        tiles=lambda wildcards: unique(
            path
            for trait in study.traits
            for path in trait_tiles(trait, TRAIT_BATCHES[wildcards.batch])
        ),
        votes=lambda wildcards: VOTED.manifests(TRAIT_BATCHES[wildcards.batch]),
        # Of traits that learned from bags, what their networks attended to.
        attention=[path for stage in ATTENDED.values() for path in stage.manifests()],
        inspected=lambda wildcards: INSPECTED.manifests(TRAIT_BATCHES[wildcards.batch]),
    output:
        manifest=DRAWN.manifest,
    log:
        "<logs>/draw_trait_maps/{batch}.log",
    benchmark:
        "<benchmarks>/draw_trait_maps/{batch}.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=minutes(TRAIT_BATCHES, 15, 3),
    params:
        slides=lambda wildcards: TRAIT_BATCHES[wildcards.batch],
        traits={
            trait: {
                "classes": study.trait_classes(trait),
                "method": "mil" if trait in BAG_TRAITS else "tiles",
            }
            for trait in study.traits
        },
        tilings={trait: study.trait_tiling(trait) for trait in study.traits},
        code=code_version("draw_trait_maps"),
    message:
        "Drawing the heat maps of slides {wildcards.batch}, and writing them for QuPath"
    script:
        "../scripts/draw_trait_maps.py"


rule draw_heterogeneity_maps:
    input:
        votes=VOTED.manifest,
        tiles=lambda wildcards: trait_tiles(
            MAPPED_TRAITS[0], TRAIT_BATCHES[wildcards.batch]
        ),
        inspected=lambda wildcards: INSPECTED.manifests(TRAIT_BATCHES[wildcards.batch]),
        heterogeneity=rules.collect_heterogeneity.output.slides,
    output:
        manifest=MIXED.manifest,
    log:
        "<logs>/draw_heterogeneity_maps/{batch}.log",
    benchmark:
        "<benchmarks>/draw_heterogeneity_maps/{batch}.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(3000),
        runtime=minutes(TRAIT_BATCHES, 15, 3),
    params:
        slides=lambda wildcards: TRAIT_BATCHES[wildcards.batch],
        indices=HETEROGENEITY,
        code=code_version("draw_heterogeneity_maps"),
    message:
        "Drawing which traits stand where on slides {wildcards.batch}"
    script:
        "../scripts/draw_heterogeneity_maps.py"


rule choose_review_tiles:
    input:
        tiles=lambda wildcards: trait_tiles(wildcards.trait),
        votes=VOTED.manifests(),
        labels="<results>/traits/{trait}/labels.parquet",
        rounds=rules.divide_rounds.output.rounds,
    output:
        table="<results>/traits/{trait}/gallery.parquet",
        twin="<results>/traits/{trait}/gallery.tsv",
    log:
        "<logs>/choose_review_tiles/{trait}.log",
    benchmark:
        "<benchmarks>/choose_review_tiles/{trait}.tsv"
    wildcard_constraints:
        trait=any_of(TILE_TRAITS),
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(30),
    params:
        slides=USED_SLIDES,
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        settings={
            "number": GALLERY.get("number"),
            "most_per_slide": GALLERY.get("per_slide"),
        },
        code=code_version("choose_review_tiles"),
    message:
        "Choosing the surest right and wrong tiles of {wildcards.trait}"
    script:
        "../scripts/choose_review_tiles.py"


rule draw_review_tiles:
    input:
        table=rules.choose_review_tiles.output.table,
        tiles=lambda wildcards: trait_tiles(wildcards.trait),
        choice="<results>/traits/{trait}/choice.parquet",
        rounds=rules.divide_rounds.output.rounds,
        models=lambda wildcards: trait_models(wildcards.trait),
    output:
        picture=report(
            "<results>/traits/{trait}/gallery.png",
            caption="../report/trait_gallery.rst",
            category="Traits",
        ),
    log:
        "<logs>/draw_review_tiles/{trait}.log",
    benchmark:
        "<benchmarks>/draw_review_tiles/{trait}.tsv"
    wildcard_constraints:
        trait=any_of(TILE_TRAITS),
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 2
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(30),
    params:
        slides=USED_SLIDES,
        rounds=lambda wildcards: study.trait_rounds(wildcards.trait),
        classes=lambda wildcards: study.trait_classes(wildcards.trait),
        grad_cam=GALLERY.get("grad_cam"),
        code=code_version("draw_review_tiles"),
    message:
        "Drawing the surest right and wrong tiles of {wildcards.trait}"
    script:
        "../scripts/draw_review_tiles.py"
