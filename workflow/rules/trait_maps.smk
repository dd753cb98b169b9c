"""Maps of traits: votes on tiles, cartographies and heterogeneity, heat maps, galleries."""

HETEROGENEITY = study.heterogeneity
GALLERY = TRAITS.get("gallery", {})
# Layers of the cartographies, in the order of the traits.
MAPPED_TRAITS = [
    trait
    for trait in TILE_TRAITS
    if any(trait in own for own in HETEROGENEITY.values())
]


# Each of these takes a moment a slide, so that slides share jobs as they do above.
for number, batch in TRAIT_BATCHES.items() if TILE_TRAITS else ():

    rule:
        name:
            f"vote_tiles_{number}"
        input:
            tiles=[path for trait in TILE_TRAITS for path in trait_tiles(trait, batch)],
            predictions=[
                path for trait in TILE_TRAITS for path in predictions_of(trait, batch)
            ],
            choices=expand("<results>/traits/{trait}/choice.parquet", trait=TILE_TRAITS),
            rounds=rules.divide_rounds.output.rounds if TRAINS_TRAITS else [],
        output:
            votes=[path for trait in TILE_TRAITS for path in votes_of(trait, batch)],
            cartographies=(
                expand(
                    "<results>/traits/maps/{slide}/cartography.zarr/zarr.json",
                    slide=batch,
                )
                if HETEROGENEITY
                else []
            ),
        log:
            f"<logs>/vote_tiles/{number}.log",
        benchmark:
            f"<benchmarks>/vote_tiles/{number}.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(3000),
            runtime=scaled(60),
        params:
            patients=dict(study.used["patient"].loc[batch]),
            rounds={trait: study.trait_rounds(trait) for trait in TILE_TRAITS},
            classes={trait: study.trait_classes(trait) for trait in TILE_TRAITS},
            tilings={trait: study.trait_tiling(trait) for trait in TILE_TRAITS},
            mapped=MAPPED_TRAITS,
            rule=TRAITS["scoring"]["vote"],
            code=code_version("vote_tiles"),
        message:
            f"Letting the networks vote on the tiles of {len(batch)} slides"
        script:
            "../scripts/vote_tiles.py"


rule collect_heterogeneity:
    input:
        cartographies=expand(
            "<results>/traits/maps/{slide}/cartography.zarr/zarr.json",
            slide=USED_SLIDES,
        ),
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
        patients=dict(study.used["patient"]),
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


for number, batch in TRAIT_BATCHES.items():

    rule:
        name:
            f"draw_trait_maps_{number}"
        input:
            tiles=[path for trait in study.traits for path in trait_tiles(trait, batch)],
            # Votes on tiles; of traits that learned from bags, what they attended to.
            found=[path for trait in study.traits for path in votes_of(trait, batch)],
            thumbnails=expand("<results>/slides/{slide}/thumbnail.png", slide=batch),
        output:
            heat_maps=expand("<results>/traits/maps/{slide}/heat_maps.png", slide=batch),
            geojson=expand(
                "<results>/traits/maps/{slide}/{trait}.geojson",
                trait=TILE_TRAITS,
                slide=batch,
            ),
        log:
            f"<logs>/draw_trait_maps/{number}.log",
        benchmark:
            f"<benchmarks>/draw_trait_maps/{number}.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(3000),
            runtime=scaled(60),
        params:
            slides=batch,
            traits={
                trait: {
                    "classes": study.trait_classes(trait),
                    "method": "mil" if trait in BAG_TRAITS else "tiles",
                }
                for trait in study.traits
            },
            code=code_version("draw_trait_maps"),
        message:
            f"Drawing the heat maps of {len(batch)} slides, and writing them for QuPath"
        script:
            "../scripts/draw_trait_maps.py"


for number, batch in TRAIT_BATCHES.items() if HETEROGENEITY else ():

    rule:
        name:
            f"draw_heterogeneity_maps_{number}"
        input:
            cartographies=expand(
                "<results>/traits/maps/{slide}/cartography.zarr/zarr.json", slide=batch
            ),
            tiles=trait_tiles(MAPPED_TRAITS[0], batch),
            thumbnails=expand("<results>/slides/{slide}/thumbnail.png", slide=batch),
            heterogeneity=rules.collect_heterogeneity.output.slides,
        output:
            expand(
                "<results>/traits/maps/{slide}/heterogeneity_{name}.png",
                name=HETEROGENEITY,
                slide=batch,
            ),
        log:
            f"<logs>/draw_heterogeneity_maps/{number}.log",
        benchmark:
            f"<benchmarks>/draw_heterogeneity_maps/{number}.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(3000),
            runtime=scaled(60),
        params:
            slides=batch,
            indices=HETEROGENEITY,
            code=code_version("draw_heterogeneity_maps"),
        message:
            f"Drawing which traits stand where on {len(batch)} slides"
        script:
            "../scripts/draw_heterogeneity_maps.py"


rule choose_review_tiles:
    input:
        tiles=lambda wildcards: trait_tiles(wildcards.trait, USED_SLIDES),
        votes=lambda wildcards: votes_of(wildcards.trait, USED_SLIDES),
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
        tiles=lambda wildcards: trait_tiles(wildcards.trait, USED_SLIDES),
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
