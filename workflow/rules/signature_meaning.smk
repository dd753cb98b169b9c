"""What the signatures stand for: ranked gene sets, term network, cell types, references."""

RANKINGS = block("enrichment").get("rankings")
TERM_NETWORK = block("enrichment").get("network")
REFERENCES = block("signatures").get("references", {})
MARKERS = block("cell_types").get("markers", {})


rule enrich_rankings:
    input:
        correlation=rules.correlate_expression.output.correlation,
        gene_sets=list(GENE_SETS.values()),
    output:
        gsea="<results>/omics/gsea.parquet",
        gsea_twin=report(
            "<results>/omics/gsea.tsv",
            caption="../report/gsea.rst",
            category="Genes",
        ),
    log:
        "<logs>/enrich_rankings.log",
    benchmark:
        "<benchmarks>/enrich_rankings.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 4
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(240),
    params:
        libraries=list(GENE_SETS),
        settings={
            "permutations": (RANKINGS or {}).get("permutations"),
            "min_size": block("enrichment").get("min_size"),
            "max_size": block("enrichment").get("max_size"),
            "seed": config["seed"],
        },
        code=code_version("enrich_rankings"),
    message:
        "Testing every gene set in the regions' rankings of genes"
    script:
        "../scripts/enrich_rankings.py"


rule build_term_network:
    input:
        enrichment=rules.enrich_signatures.output.enrichment,
        correlation=rules.correlate_expression.output.correlation,
        gene_sets=list(GENE_SETS.values()),
    output:
        nodes="<results>/omics/term_nodes.parquet",
        nodes_twin="<results>/omics/term_nodes.tsv",
        edges="<results>/omics/term_edges.parquet",
        edges_twin="<results>/omics/term_edges.tsv",
        graphml="<results>/omics/term_network.graphml",
        cytoscape="<results>/omics/term_network.cyjs",
    log:
        "<logs>/build_term_network.log",
    benchmark:
        "<benchmarks>/build_term_network.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        libraries=list(GENE_SETS),
        settings={**(TERM_NETWORK or {}), "seed": config["seed"]},
        code=code_version("build_term_network"),
    message:
        "Joining gene sets by the genes they share"
    script:
        "../scripts/build_term_network.py"


rule match_cell_types:
    input:
        signatures=rules.derive_signatures.output.signatures,
        correlation=rules.correlate_expression.output.correlation,
        markers=list(MARKERS.values()),
        ontology=block("cell_types").get("ontology", []),
    output:
        cell_types="<results>/omics/cell_types.parquet",
        cell_types_twin=report(
            "<results>/omics/cell_types.tsv",
            caption="../report/cell_types.rst",
            category="Genes",
        ),
    log:
        "<logs>/match_cell_types.log",
    benchmark:
        "<benchmarks>/match_cell_types.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        markers=list(MARKERS),
        settings={
            **{
                key: value
                for key, value in block("cell_types").items()
                if key not in ("markers", "ontology")
            },
            "seed": config["seed"],
        },
        code=code_version("match_cell_types"),
    message:
        "Matching the signatures with the markers of cell types"
    script:
        "../scripts/match_cell_types.py"


rule overlap_signatures:
    input:
        signatures=rules.derive_signatures.output.signatures,
        correlation=rules.correlate_expression.output.correlation,
        references=list(REFERENCES.values()),
    output:
        overlap="<results>/omics/overlap.parquet",
        overlap_twin=report(
            "<results>/omics/overlap.tsv",
            caption="../report/overlap.rst",
            category="Genes",
        ),
        intersections="<results>/omics/intersections.parquet",
        intersections_twin="<results>/omics/intersections.tsv",
    log:
        "<logs>/overlap_signatures.log",
    benchmark:
        "<benchmarks>/overlap_signatures.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        references=list(REFERENCES),
        code=code_version("overlap_signatures"),
    message:
        "Comparing the signatures with the reference signatures"
    script:
        "../scripts/overlap_signatures.py"


rule draw_gsea:
    input:
        gsea=rules.enrich_rankings.output.gsea,
    output:
        **figure("gsea", "Genes"),
    log:
        "<logs>/draw_gsea.log",
    benchmark:
        "<benchmarks>/draw_gsea.tsv"
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
        code=code_version("draw_gsea"),
    message:
        "Drawing the gene sets of the rankings"
    script:
        "../scripts/draw_gsea.py"


rule draw_term_network:
    input:
        nodes=rules.build_term_network.output.nodes,
        edges=rules.build_term_network.output.edges,
    output:
        **figure("term_network", "Genes"),
    log:
        "<logs>/draw_term_network.log",
    benchmark:
        "<benchmarks>/draw_term_network.tsv"
    conda:
        "../../envs/analysis.yaml"
    container:
        CONTAINERS["analysis"]
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(10),
    params:
        code=code_version("draw_term_network"),
    message:
        "Drawing the network of gene sets"
    script:
        "../scripts/draw_term_network.py"


rule draw_cell_types:
    input:
        cell_types=rules.match_cell_types.output.cell_types,
    output:
        **figure("cell_types", "Genes"),
    log:
        "<logs>/draw_cell_types.log",
    benchmark:
        "<benchmarks>/draw_cell_types.tsv"
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
        code=code_version("draw_cell_types"),
    message:
        "Drawing the cell types of the signatures"
    script:
        "../scripts/draw_cell_types.py"


rule draw_overlap:
    input:
        overlap=rules.overlap_signatures.output.overlap,
        intersections=rules.overlap_signatures.output.intersections,
    output:
        **figure("overlap_references", "Genes"),
    log:
        "<logs>/draw_overlap.log",
    benchmark:
        "<benchmarks>/draw_overlap.tsv"
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
        code=code_version("draw_overlap"),
    message:
        "Drawing the overlap with reference signatures"
    script:
        "../scripts/draw_overlap.py"
