"""Signatures in single cells, and ligand-receptor pairs between the cell types."""

CELLS = block("single_cell").get("cells", {})
# One file holds all patients, or each has one.
CELL_FILES = list(CELLS.values()) if isinstance(CELLS, dict) else [CELLS]


rule prepare_cells:
    input:
        cells=CELL_FILES,
        # A folder looks unchanged when a file in it changes.
        files=[file for path in CELL_FILES for file in files_in(path)],
        labels=block("single_cell").get("labels", []),
    output:
        matrix="<results>/omics/cells.h5ad",
        cells="<results>/omics/cells.parquet",
        cells_twin="<results>/omics/cells.tsv",
        decisions="<results>/omics/cell_decisions.parquet",
        decisions_twin=report(
            "<results>/omics/cell_decisions.tsv",
            caption="../report/cell_decisions.rst",
            category="Cells",
        ),
    log:
        "<logs>/prepare_cells.log",
    benchmark:
        "<benchmarks>/prepare_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=growing(16000, 30),
        runtime=scaled(240),
    params:
        patients=list(CELLS) if isinstance(CELLS, dict) else [],
        settings={
            **{
                key: value
                for key, value in block("single_cell").items()
                if key not in ("cells", "labels")
            },
            "seed": config["seed"],
        },
        code=code_version("prepare_cells"),
    message:
        "Making single cells ready"
    script:
        "../scripts/prepare_cells.py"


rule describe_cell_signatures:
    input:
        matrix=rules.prepare_cells.output.matrix,
        signatures=rules.derive_signatures.output.signatures,
    output:
        by_type="<results>/omics/cell_genes_by_type.parquet",
        by_type_twin="<results>/omics/cell_genes_by_type.tsv",
        by_patient="<results>/omics/cell_genes_by_patient.parquet",
        by_patient_twin="<results>/omics/cell_genes_by_patient.tsv",
        genes="<results>/omics/cell_genes.parquet",
        genes_twin=report(
            "<results>/omics/cell_genes.tsv",
            caption="../report/cell_genes.rst",
            category="Cells",
        ),
        scores="<results>/omics/cell_scores.parquet",
        scores_twin="<results>/omics/cell_scores.tsv",
        score_means="<results>/omics/cell_score_means.parquet",
        score_means_twin="<results>/omics/cell_score_means.tsv",
    log:
        "<logs>/describe_cell_signatures.log",
    benchmark:
        "<benchmarks>/describe_cell_signatures.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=growing(16000, 16),
        runtime=scaled(60),
    params:
        settings={
            "min_cells": block("single_cell").get("min_cells"),
            "seed": config["seed"],
        },
        code=code_version("describe_cell_signatures"),
    message:
        "Looking the signatures up in single cells"
    script:
        "../scripts/describe_cell_signatures.py"


rule find_interactions:
    input:
        matrix=rules.prepare_cells.output.matrix,
        pairs=block("ligand_receptor").get("pairs", []),
        signatures=rules.derive_signatures.output.signatures,
    output:
        interactions="<results>/omics/interactions.parquet",
        interactions_twin="<results>/omics/interactions.tsv",
        summary="<results>/omics/interaction_summary.parquet",
        summary_twin=report(
            "<results>/omics/interaction_summary.tsv",
            caption="../report/interaction_summary.rst",
            category="Cells",
        ),
        decisions="<results>/omics/interaction_decisions.parquet",
        decisions_twin="<results>/omics/interaction_decisions.tsv",
    log:
        "<logs>/find_interactions.log",
    benchmark:
        "<benchmarks>/find_interactions.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(240),
    params:
        settings={
            **{
                key: value
                for key, value in block("ligand_receptor").items()
                if key != "pairs"
            },
            "seed": config["seed"],
        },
        code=code_version("find_interactions"),
    message:
        "Scoring ligands and receptors between the cell types"
    script:
        "../scripts/find_interactions.py"


rule draw_single_cells:
    input:
        by_type=rules.describe_cell_signatures.output.by_type,
        genes=rules.describe_cell_signatures.output.genes,
        scores=rules.describe_cell_signatures.output.scores,
    output:
        **figure("cell_genes", "Cells"),
        **figure("cell_maps", "Cells"),
    log:
        "<logs>/draw_single_cells.log",
    benchmark:
        "<benchmarks>/draw_single_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(20),
    params:
        regions=REGIONS,
        code=code_version("draw_single_cells"),
    message:
        "Drawing the signatures in single cells"
    script:
        "../scripts/draw_single_cells.py"


rule draw_interactions:
    input:
        interactions=rules.find_interactions.output.interactions,
        summary=rules.find_interactions.output.summary,
    output:
        **figure("interactions", "Cells"),
        **figure("interaction_network", "Cells"),
    log:
        "<logs>/draw_interactions.log",
    benchmark:
        "<benchmarks>/draw_interactions.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        threshold=block("ligand_receptor").get("score"),
        code=code_version("draw_interactions"),
    message:
        "Drawing the ligand-receptor pairs"
    script:
        "../scripts/draw_interactions.py"
