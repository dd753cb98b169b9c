"""Figures of every stage that runs, the summary page and the sealed bundle."""

HAS_SLIDES = "slides" in config["cohort"]
TRAINS = has("segmentation") and "pretrained" not in SEGMENTATION
# The page shows some slides only; with many slides it need not wait for every picture.
PICTURED = USED_SLIDES[:: max(1, len(USED_SLIDES) // 96)] if HAS_SLIDES else []

LEADERBOARDS = (
    [f"<results>/tuning/{model}/leaderboard.parquet" for model in NETWORKS]
    if TRIALS
    else []
)

# Tables by the names that the summary page knows, as far as their stages run.
TABLES = {
    "patients": "cohort/patients",
    **(
        {"quality": "slides/quality", "slide_counts": "slides/counts"}
        if HAS_SLIDES
        else {}
    ),
    **({"areas": "areas/patients"} if HAS_AREAS else {}),
    **({"scores": "omics/scores"} if has("scores") else {}),
    **(
        {
            "split": "cohort/split",
            "metrics": "segmentation/metrics",
            "confusion": "segmentation/confusion",
            "agreement": "segmentation/agreement",
            "calibration": "segmentation/calibration",
        }
        if has("segmentation")
        else {}
    ),
    **(
        {
            "decisions": "omics/expression_decisions",
            "expression_patients": "omics/expression_patients",
        }
        if has("expression")
        else {}
    ),
    **(
        {
            "strata": "omics/mutation_strata",
            "mutation_decisions": "omics/mutation_decisions",
            "mutation_patients": "omics/mutation_patients",
        }
        if has("mutations")
        else {}
    ),
    **(
        {
            "comparison_groups": "omics/comparison_groups",
            "differential": "omics/differential",
        }
        if has("differential")
        else {}
    ),
    **(
        {"differential_enrichment": "omics/differential_enrichment"}
        if has("differential") and GENE_SETS
        else {}
    ),
    **(
        {
            "correlation": "omics/correlation",
            "signatures": "omics/signatures",
            "sizes": "omics/signature_sizes",
        }
        if has("signatures")
        else {}
    ),
    **({"enrichment": "omics/enrichment"} if has("enrichment") else {}),
    **(
        {"term_nodes": "omics/term_nodes", "term_edges": "omics/term_edges"}
        if TERM_NETWORK is not None
        else {}
    ),
    **({"gsea": "omics/gsea"} if RANKINGS is not None else {}),
    **({"cell_types": "omics/cell_types"} if MARKERS else {}),
    **(
        {"activity_correlation": "omics/activity_correlation"}
        if CORRELATES_ACTIVITY
        else {}
    ),
    **(
        {
            "activity_groups": "omics/activity_groups",
            "activity_comparison": "omics/activity_comparison",
        }
        if COMPARES_ACTIVITY
        else {}
    ),
    **(
        {"overlap": "omics/overlap", "intersections": "omics/intersections"}
        if REFERENCES
        else {}
    ),
    **(
        {
            "cells": "omics/cells",
            "cell_decisions": "omics/cell_decisions",
            "cell_genes": "omics/cell_genes",
            "cell_score_means": "omics/cell_score_means",
        }
        if has("single_cell")
        else {}
    ),
    **(
        {
            "interactions": "omics/interactions",
            "interaction_summary": "omics/interaction_summary",
            "interaction_decisions": "omics/interaction_decisions",
        }
        if has("ligand_receptor")
        else {}
    ),
    **(
        {
            "curves": "survival/curves",
            "groups": "survival/groups",
            "cox": "survival/cox",
            "area_correlation": "survival/area_correlation",
            "outliers": "survival/outliers",
        }
        if AREA_SURVIVAL
        else {}
    ),
    **(
        {
            "cohorts": "survival/cohorts",
            "balance": "survival/balance",
            "follow_up": "survival/follow_up",
            "survival_scores": "survival/scores",
        }
        if has("survival")
        else {}
    ),
    **GROUP_TABLES,
    **(
        {
            name: f"survival/{name}"
            for name in (
                "model_performance",
                "model_differences",
                "model_coefficients",
                "model_tests",
                "model_proportionality",
                "model_forms",
            )
        }
        if has("survival_models")
        else {}
    ),
}


rule draw_slides:
    input:
        areas="<results>/areas/patients.parquet",
    output:
        **figure("areas", "Regions"),
        **figure("composition", "Regions"),
    log:
        "<logs>/draw_slides.log",
    benchmark:
        "<benchmarks>/draw_slides.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        palette=PALETTE,
        measure=config["areas"]["measure"],
        code=code_version("draw_slides"),
    message:
        "Drawing the areas of the regions"
    script:
        "../scripts/draw_slides.py"


rule draw_segmentation:
    input:
        metrics="<results>/segmentation/metrics.parquet",
        confusion="<results>/segmentation/confusion.parquet",
        agreement="<results>/segmentation/agreement.parquet",
        calibration="<results>/segmentation/calibration.parquet",
        histories=models_of("history.parquet") if TRAINS else [],
    output:
        **figure("overlap", "Segmentation"),
        **figure("confusion", "Segmentation"),
        **figure("agreement", "Segmentation"),
        **figure("calibration", "Segmentation"),
        **(figure("training", "Segmentation") if TRAINS else {}),
    log:
        "<logs>/draw_segmentation.log",
    benchmark:
        "<benchmarks>/draw_segmentation.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        palette=PALETTE,
        code=code_version("draw_segmentation"),
    message:
        "Drawing how well the networks find the regions"
    script:
        "../scripts/draw_segmentation.py"


rule draw_signatures:
    input:
        correlation="<results>/omics/correlation.parquet",
        signatures="<results>/omics/signatures.parquet",
        sizes="<results>/omics/signature_sizes.parquet",
        enrichment="<results>/omics/enrichment.parquet" if has("enrichment") else [],
    output:
        **figure("signature_genes", "Signatures"),
        **figure("signature_sizes", "Signatures"),
        **(figure("enrichment", "Signatures") if has("enrichment") else {}),
    log:
        "<logs>/draw_signatures.log",
    benchmark:
        "<benchmarks>/draw_signatures.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        palette=SIGNATURE_PALETTE,
        top=config["report"]["top_genes"],
        code=code_version("draw_signatures"),
    message:
        "Drawing the signatures"
    script:
        "../scripts/draw_signatures.py"


rule draw_signature_heat_map:
    input:
        expression="<results>/omics/expression.parquet",
        signatures="<results>/omics/signatures.parquet",
        areas="<results>/areas/patients.parquet",
    output:
        **figure("signature_heat_map", "Signatures"),
    log:
        "<logs>/draw_signature_heat_map.log",
    benchmark:
        "<benchmarks>/draw_signature_heat_map.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        palette=PALETTE,
        top=config["report"]["top_genes"],
        code=code_version("draw_signature_heat_map"),
    message:
        "Drawing the signatures' genes in every patient"
    script:
        "../scripts/draw_signature_heat_map.py"


rule draw_survival:
    input:
        curves="<results>/survival/curves.parquet",
        groups="<results>/survival/groups.parquet",
        cox="<results>/survival/cox.parquet",
        correlation="<results>/survival/area_correlation.parquet",
    output:
        **figure("kaplan_meier", "Survival"),
        **figure("cox", "Survival"),
        **figure("area_survival", "Survival"),
    log:
        "<logs>/draw_survival.log",
    benchmark:
        "<benchmarks>/draw_survival.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    params:
        palette=PALETTE,
        measure=config["areas"]["measure"],
        confidence=block("survival").get("confidence", 0.95),
        code=code_version("draw_survival"),
    message:
        "Drawing survival by region area"
    script:
        "../scripts/draw_survival.py"


FIGURES = [
    *(rules.draw_slides.output if HAS_AREAS else []),
    *(rules.draw_segmentation.output if has("segmentation") else []),
    *(rules.draw_signatures.output if has("signatures") else []),
    *(rules.draw_signature_heat_map.output if has("signatures") else []),
    *(rules.draw_gsea.output if RANKINGS is not None else []),
    *(rules.draw_term_network.output if TERM_NETWORK is not None else []),
    *(rules.draw_cell_types.output if MARKERS else []),
    *(rules.draw_overlap.output if REFERENCES else []),
    *(rules.draw_activity_correlation.output if CORRELATES_ACTIVITY else []),
    *(rules.draw_activity_groups.output if COMPARES_ACTIVITY else []),
    *(rules.draw_differential.output if has("differential") else []),
    *(rules.draw_single_cells.output if has("single_cell") else []),
    *(rules.draw_interactions.output if has("ligand_receptor") else []),
    *(rules.draw_survival.output if AREA_SURVIVAL else []),
    *GROUP_FIGURES,
    *(rules.draw_survival_models.output if has("survival_models") else []),
    *(rules.draw_balance.output if HELD_OUT else []),
    *expand(rules.draw_clinical_use.output, score=CLINICAL_SCORES),
]


rule write_summary:
    input:
        **{name: f"<results>/{stem}.parquet" for name, stem in TABLES.items()},
        **(
            {
                "thumbnails": expand(
                    "<results>/slides/{slide}/contour.png", slide=PICTURED
                )
            }
            if HAS_SLIDES
            else {}
        ),
        **(
            {
                "overlays": expand(
                    "<results>/regions/{slide}/overlay.png", slide=PICTURED
                )
            }
            if has("segmentation")
            else {}
        ),
        **({"leaderboards": LEADERBOARDS} if TRIALS else {}),
        **(
            {
                "clinical": expand(
                    "<results>/survival/clinical/{score}/{table}.parquet",
                    score=CLINICAL_SCORES,
                    table=CLINICAL_TABLES,
                )
            }
            if CLINICAL_SCORES
            else {}
        ),
        figures=[path for path in FIGURES if not path.endswith(".tsv")],
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
        code=code_version("write_summary"),
        templates=[
            file_digest(f"workflow/histoniche/report/templates/{name}")
            for name in ("summary.html.j2", "page.css")
        ],
    message:
        "Writing the summary page"
    script:
        "../scripts/write_summary.py"


rule seal_bundle:
    input:
        files=[
            rules.write_summary.output.page,
            *FIGURES,
            *LEADERBOARDS,
            *(["<results>/review/review.html"] if study.reviewed else []),
            *(
                f"<results>/{stem}{ending}"
                for stem in TABLES.values()
                for ending in (".parquet", ".tsv")
            ),
            *(
                [
                    "<results>/slides/contact_sheet.png",
                    *expand(
                        "<results>/slides/{slide}/{file}",
                        slide=USED_SLIDES,
                        file=["contour.png", "tissue.geojson"],
                    ),
                ]
                if HAS_SLIDES
                else []
            ),
            *(
                [
                    "<results>/areas/slides.parquet",
                    "<results>/areas/slides.tsv",
                    *expand(
                        "<results>/regions/{slide}/{file}",
                        slide=USED_SLIDES,
                        file=[
                            "map.ome.zarr/zarr.json",
                            "regions.geojson",
                            "overlay.png",
                        ],
                    ),
                ]
                if has("segmentation")
                else []
            ),
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
        ],
        models=[*models_of("model.json"), *models_of("model.safetensors")],
        patients=config["cohort"]["patients"],
        slides=config["cohort"].get("slides", []),
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
        networks=NETWORKS,
        code=code_version("seal_bundle"),
    message:
        "Sealing the bundle"
    script:
        "../scripts/seal_bundle.py"
