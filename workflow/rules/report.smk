"""What the summary page and the sealed bundle take of every stage that runs."""

HAS_SLIDES = "slides" in config["cohort"]
# The page shows some slides only; with many slides it need not wait for every picture.
PICTURED = USED_SLIDES[:: max(1, len(USED_SLIDES) // 96)] if HAS_SLIDES else []
PICTURED_SCANS = SCANNED_PATIENTS[:: max(1, len(SCANNED_PATIENTS) // 3)][:3]

LEADERBOARDS = (
    [f"<results>/tuning/{model}/leaderboard.parquet" for model in NETWORKS]
    if TRIALS
    else []
)

# Pictures of a slide by the names that the page knows.
SLIDE_PICTURES = {
    **when(HAS_SLIDES, thumbnails=["slides/{slide}/contour.png"]),
    **when(has("segmentation"), overlays=["regions/{slide}/overlay.png"]),
    **TRAIT_MAPS,
}
# What the bundle takes of every slide, and whose manifests say that it is there.
SLIDE_FILES = [
    *(
        ["slides/{slide}/contour.png", "slides/{slide}/tissue.geojson"]
        if HAS_SLIDES
        else []
    ),
    *(
        [
            "regions/{slide}/map.ome.zarr/zarr.json",
            "regions/{slide}/regions.geojson",
            "regions/{slide}/overlay.png",
        ]
        if has("segmentation")
        else []
    ),
    *TRAIT_SLIDE_FILES,
]
# Those that do not run have no batches.
SHOWN_STAGES = [INSPECTED, MAPPED, VOTED, DRAWN, MIXED, *ATTENDED.values()]

# Tables by the names that the summary page knows, as far as their stages run.
TABLES = {
    "patients": "cohort/patients",
    **COHORT_TABLES,
    **when(HAS_SLIDES, quality="slides/quality", slide_counts="slides/counts"),
    **when(HAS_AREAS, areas="areas/patients"),
    **when(has("scores"), scores="omics/scores"),
    **when(
        has("segmentation"),
        split="cohort/split",
        metrics="segmentation/metrics",
        confusion="segmentation/confusion",
        agreement="segmentation/agreement",
        calibration="segmentation/calibration",
    ),
    **TRAIT_TABLES,
    **IMAGING_TABLES,
    **SLIDE_SIGNATURE_TABLES,
    **when(
        has("expression"),
        decisions="omics/expression_decisions",
        expression_patients="omics/expression_patients",
    ),
    **when(
        has("mutations"),
        strata="omics/mutation_strata",
        mutation_decisions="omics/mutation_decisions",
        mutation_patients="omics/mutation_patients",
    ),
    **when(
        has("differential"),
        comparison_groups="omics/comparison_groups",
        differential="omics/differential",
    ),
    **when(
        has("differential") and GENE_SETS,
        differential_enrichment="omics/differential_enrichment",
    ),
    **when(
        has("signatures"),
        correlation="omics/correlation",
        signatures="omics/signatures",
        sizes="omics/signature_sizes",
    ),
    **when(has("enrichment"), enrichment="omics/enrichment"),
    **when(
        TERM_NETWORK is not None,
        term_nodes="omics/term_nodes",
        term_edges="omics/term_edges",
    ),
    **when(RANKINGS is not None, gsea="omics/gsea"),
    **when(MARKERS, cell_types="omics/cell_types"),
    **when(CORRELATES_ACTIVITY, activity_correlation="omics/activity_correlation"),
    **when(
        COMPARES_ACTIVITY,
        activity_groups="omics/activity_groups",
        activity_comparison="omics/activity_comparison",
    ),
    **when(REFERENCES, overlap="omics/overlap", intersections="omics/intersections"),
    **when(
        has("single_cell"),
        cells="omics/cells",
        cell_decisions="omics/cell_decisions",
        cell_genes="omics/cell_genes",
        cell_score_means="omics/cell_score_means",
    ),
    **when(
        has("ligand_receptor"),
        interactions="omics/interactions",
        interaction_summary="omics/interaction_summary",
        interaction_decisions="omics/interaction_decisions",
    ),
    **when(
        AREA_SURVIVAL,
        curves="survival/curves",
        groups="survival/groups",
        cox="survival/cox",
        area_correlation="survival/area_correlation",
        outliers="survival/outliers",
    ),
    **when(
        has("survival"),
        cohorts="survival/cohorts",
        balance="survival/balance",
        follow_up="survival/follow_up",
        survival_scores="survival/scores",
    ),
    **GROUP_TABLES,
    **PATHWAY_TABLES,
    **when(
        has("survival_models"),
        **{
            f"model_{part}": f"survival/model_{part}"
            for part in (
                "performance",
                "differences",
                "coefficients",
                "tests",
                "proportionality",
                "forms",
            )
        },
    ),
}
# What a training leaves beside its network, so that all of it can be put back.
RECORDS = ("history.parquet", "history.tsv")
# Networks, with what they need to be applied elsewhere, by their names among the bundle's models.
MODEL_FILES = {
    **{
        f"{network}/{name}": path
        for name in (
            *("model.json", "model.safetensors"),
            *((*RECORDS, "augmented.png") if "pretrained" not in SEGMENTATION else ()),
        )
        for network, path in zip(NETWORKS, models_of(name), strict=True)
    },
    **TRAIT_MODEL_FILES,
    **{
        f"{name}/{Path(description).parent.name}/{file}": str(
            Path(description).with_name(file)
        )
        for name in RISK_SCORES
        for description in risk_models(name)
        for file in (
            *("model.json", "model.safetensors"),
            *(RECORDS if study.trains_risk(name) else ()),
        )
    },
}


rule write_summary:
    input:
        **{name: f"<results>/{stem}.parquet" for name, stem in TABLES.items()},
        **when(TRAINS_TRAITS and TILE_TRAITS, trait_galleries=TRAIT_GALLERIES),
        **when(TRAIT_CHAINS, trait_chains=TRAIT_CHAINS),
        **when(TRIALS, leaderboards=LEADERBOARDS),
        **when(
            CLINICAL_SCORES,
            clinical=expand(
                "<results>/survival/clinical/{score}/{table}.parquet",
                score=CLINICAL_SCORES,
                table=CLINICAL_TABLES,
            ),
        ),
        figures=FIGURES,
        batches=[
            *(path for stage in SHOWN_STAGES for path in stage.manifests(PICTURED)),
            *SCANNED.manifests(PICTURED_SCANS),
        ],
    output:
        page=report(
            "<results>/summary.html",
            caption="../report/summary.rst",
            category="Summary",
        ),
    log:
        "<logs>/write_summary.log",
    benchmark:
        "<benchmarks>/write_summary.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        palette=PALETTE,
        settings=config,
        # Places are patterns, which Snakemake would fill in by itself.
        pictures=lambda wildcards: SLIDE_PICTURES,
        slides=PICTURED,
        scans=PICTURED_SCANS,
        code=code_version("write_summary"),
        templates=[
            file_digest(f"workflow/histoniche/report/templates/{name}")
            for name in ("summary.html.j2", "page.css", "page.js")
        ],
    message:
        "Writing the summary page"
    script:
        "../scripts/write_summary.py"


rule seal_bundle:
    input:
        files=plain_paths(
            rules.write_summary.output.page,
            *FIGURES,
            *LEADERBOARDS,
            *(["<results>/review/review.html"] if study.reviewed else []),
            *(
                f"<results>/{stem}{ending}"
                for stem in TABLES.values()
                for ending in (".parquet", ".tsv")
            ),
            *(["<results>/slides/contact_sheet.png"] if HAS_SLIDES else []),
            *(
                ["<results>/areas/slides.parquet", "<results>/areas/slides.tsv"]
                if has("segmentation")
                else []
            ),
            *COHORT_FILES,
            *TRAIT_FILES,
            *expand(rules.evaluate_clinically.output, score=CLINICAL_SCORES),
            *(
                [
                    rules.build_term_network.output.graphml,
                    rules.build_term_network.output.cytoscape,
                ]
                if TERM_NETWORK is not None
                else []
            ),
            *(
                [
                    "<results>/omics/gene_survival.parquet",
                    "<results>/omics/gene_survival.tsv",
                    "<results>/omics/signatures.gmt",
                    "<results>/omics/study.h5ad",
                ]
                if has("signatures")
                else []
            ),
            *(
                [
                    rules.describe_cell_signatures.output.by_type,
                    rules.describe_cell_signatures.output.by_type_twin,
                    rules.describe_cell_signatures.output.by_patient,
                    rules.describe_cell_signatures.output.by_patient_twin,
                    rules.describe_cell_signatures.output.scores,
                    rules.describe_cell_signatures.output.scores_twin,
                ]
                if has("single_cell")
                else []
            ),
            *(
                [
                    rules.evaluate_models.output.fitted,
                    *(
                        f"<results>/survival/model_{part}{ending}"
                        for part in (
                            "curves",
                            "risks",
                            "residuals",
                            "smooths",
                            "form_points",
                            "form_curves",
                        )
                        for ending in (".parquet", ".tsv")
                    ),
                ]
                if has("survival_models")
                else []
            ),
        ),
        batches=[path for stage in SHOWN_STAGES for path in stage.manifests()],
        models=list(MODEL_FILES.values()),
        patients=config["cohort"]["patients"],
        slides=config["cohort"].get("slides", []),
        scans=block("imaging").get("scans", []),
        locks=[
            CHECKOUT / "envs" / f"{name}.lock"
            for name in ("analysis", "imaging", "workflow")
        ],
        workflow=[
            CHECKOUT / "Snakefile",
            *sorted((CHECKOUT / "workflow" / "rules").glob("*.smk")),
        ],
    output:
        bundle=BUNDLE,
    log:
        "<logs>/seal_bundle.log",
    benchmark:
        "<benchmarks>/seal_bundle.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        settings=config,
        slides=USED_SLIDES,
        of_slides=lambda wildcards: SLIDE_FILES,
        models=list(MODEL_FILES),
        stages=lambda wildcards: [
            {
                "folder": stage.folder.replace("<results>", config["results"]),
                "records": stage.records,
                "results": list(stage.results),
            }
            for stage in SHOWN_STAGES
        ],
        environments=lambda wildcards: environments_of_rules(),
        code=code_version("seal_bundle"),
    message:
        "Sealing the bundle"
    script:
        "../scripts/seal_bundle.py"
