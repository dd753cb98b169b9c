"""Figures of slides, segmentation, signatures and survival, and the list of all figures."""

TRAINS = has("segmentation") and "pretrained" not in SEGMENTATION


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
    *COHORT_FIGURES,
    *(rules.draw_slides.output if HAS_AREAS else []),
    *(rules.draw_segmentation.output if has("segmentation") else []),
    *TRAIT_FIGURES,
    *RISK_FIGURES,
    *(rules.draw_signatures.output if has("signatures") else []),
    *(rules.draw_signature_heat_map.output if has("signatures") else []),
    *(rules.draw_gsea.output if RANKINGS is not None else []),
    *(rules.draw_term_network.output if TERM_NETWORK is not None else []),
    *(rules.draw_cell_types.output if MARKERS else []),
    *(rules.draw_overlap.output if REFERENCES else []),
    *(rules.draw_activity_correlation.output if CORRELATES_ACTIVITY else []),
    *(rules.draw_activity_groups.output if COMPARES_ACTIVITY else []),
    *(rules.draw_differential.output if has("differential") else []),
    *(rules.draw_differing_genes.output if has("differential") else []),
    *(rules.draw_single_cells.output if has("single_cell") else []),
    *(rules.draw_interactions.output if has("ligand_receptor") else []),
    *(rules.draw_survival.output if AREA_SURVIVAL else []),
    *GROUP_FIGURES,
    *(rules.draw_pathways.output if PATHWAYS else []),
    *(rules.draw_survival_models.output if has("survival_models") else []),
    *(rules.draw_balance.output if HELD_OUT else []),
    *expand(rules.draw_clinical_use.output, score=CLINICAL_SCORES),
]
