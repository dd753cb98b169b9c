"""What the files of a bundle are: descriptions and formats by name."""

import re
from pathlib import PurePosixPath

_FORMATS = {
    ".geojson": "application/geo+json",
    ".gmt": "text/tab-separated-values",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".sha256": "text/plain",
    ".smk": "text/plain",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
    ".zarr": "application/vnd+zarr",
}

# A head, and the fold of its network if there are folds.
_NETWORK = r"([^/]+(?:/[^/]+)?)"

_DESCRIPTIONS = (
    (r"summary\.html", "Summary page of the study"),
    (r"config/config\.yaml", "Configuration of the run, without the places of files"),
    (r"config/(\w+)\.tsv", r"Sheet of \1, without the places of files"),
    (r"run\.json", "Versions of the software and the seed of the run"),
    (r"README\.md", "What the bundle holds and how to check it"),
    (r"checksums\.sha256", "SHA-256 of every other file but the seal"),
    (r"seal\.sha256", "SHA-256 of the checksums"),
    (r"workflow/Snakefile", "The workflow"),
    (r"workflow/.+", "Part of the workflow"),
    (r"figures/([^/.]+)\.tsv", r"Table that the figure \1 was drawn from"),
    (r"figures/([^/.]+)\.\w+", r"Figure \1"),
    (r"cohort/patients\..+", "Patients with follow-up and covariates"),
    (r"cohort/split\..+", "Roles of the patients in training"),
    (r"slides/quality\..+", "Which slides were used, and why others were not"),
    (r"slides/counts\..+", "How many slides were used, skipped and excluded"),
    (r"slides/contact_sheet\.png", "All slides in small, with tissue, artefacts and remarks"),
    (r"slides/([^/]+)/contour\.png", r"Slide \1 with its tissue and artefacts"),
    (r"slides/([^/]+)/tissue\.geojson", r"Tissue of slide \1 as polygons for QuPath"),
    (r"regions/([^/]+)/map\.ome\.zarr", r"Region map of slide \1, multiscale OME-Zarr labels"),
    (r"regions/([^/]+)/regions\.geojson", r"Region map of slide \1 as polygons for QuPath"),
    (r"regions/([^/]+)/overlay\.png", r"Slide \1 with its region map"),
    (r"areas/slides\..+", "Area of every region on every slide"),
    (r"areas/patients\..+", "Area of every region of every patient"),
    (rf"models/{_NETWORK}/model\.json", r"Description of the network \1"),
    (rf"models/{_NETWORK}/model\.safetensors", r"Weights of the network \1"),
    (rf"models/{_NETWORK}/augmented\.png", r"Training tiles as the network \1 sees them"),
    (rf"models/{_NETWORK}/history\..+", r"Losses of the network \1 by epoch"),
    (r"tuning/([^/]+)/([^/]+)/leaderboard\..+", r"Trials of the network \1, fold \2, in order"),
    (r"review/review\.html", "Best trials of every network, as a pathologist saw them"),
    (r"segmentation/metrics\..+", "Accuracy of the regions on annotated slides"),
    (r"segmentation/confusion\..+", "Annotated against predicted regions, pixels"),
    (r"segmentation/agreement\..+", "Annotated against predicted areas"),
    (r"segmentation/calibration\..+", "Probability found against the share that is right"),
    (r"traits/labels\..+", "Class of every slide by trait, and why others have none"),
    (r"traits/rounds\..+", "Roles of the patients in each round of the traits"),
    (r"traits/metrics\..+", "How well the traits are told, by round and set"),
    (r"traits/confusion\..+", "True against called classes of tiles, slides and patients"),
    (r"traits/roc\..+", "ROC curves of the traits"),
    (r"traits/scores\..+", "Scores of every slide by trait"),
    (r"traits/agreement\..+", "Correlation of the traits' scores with what was measured"),
    (r"traits/heterogeneity_slides\..+", "Heterogeneity index of every slide"),
    (r"traits/heterogeneity_combinations\..+", "Combinations of traits on every slide"),
    (r"traits/heterogeneity\..+", "Heterogeneity index of every patient"),
    (r"traits/([^/]+)/heat_map\.png", r"Slide \1 with what the networks found on its tiles"),
    (r"traits/([^/]+)/heterogeneity_[^/]+\.png", r"Slide \1 with its combinations of traits"),
    (r"traits/([^/]+)/cartography\.zarr", r"Which traits the tiles of slide \1 show"),
    (r"traits/([^/]+)/([^/]+)\.geojson", r"Tiles of slide \1 by \2 for QuPath"),
    (r"traits/([^/]+)/gallery\.png", r"Surest right and wrong tiles of \1"),
    (r"traits/([^/]+)/gallery\..+", r"Which tiles of \1 are the surest, right and wrong"),
    (r"omics/study\.h5ad", "Expression, areas, correlations and signatures as one file"),
    (r"omics/scores\..+", "Areas and other scores of every patient"),
    (r"omics/expression_patients\..+", "Who has expression, and why others have none"),
    (r"omics/mutation_patients\..+", "Who is profiled for mutations, and why others are not"),
    (r"omics/mutation_decisions\..+", "Decisions on the way to who is mutated"),
    (r"omics/comparison_groups\..+", "Which patients are compared with which"),
    (r"omics/differential\..+", "Genes that differ between groups of patients"),
    (r"omics/differential_enrichment\..+", "Gene sets that the differing genes are enriched in"),
    (r"omics/expression_decisions\..+", "Decisions on the way to the prepared expression"),
    (r"omics/correlation\..+", "Correlation of every gene with every region's area"),
    (r"omics/gene_survival\..+", "Correlation of every gene with survival time"),
    (r"omics/signatures\.gmt", "Gene signatures of the regions as gene sets"),
    (r"omics/signatures\..+", "Gene signatures of the regions"),
    (r"omics/signature_sizes\..+", "Sizes of the signatures against chance"),
    (r"omics/enrichment\..+", "Gene sets that the signatures are enriched in"),
    (r"omics/gsea\..+", "Gene sets along each region's ranking of genes"),
    (r"omics/term_(nodes|edges)\..+", "Leading gene sets and the genes they share"),
    (r"omics/term_network\..+", "Network of gene sets for network programs"),
    (r"omics/cell_types\..+", "Cell types whose markers the signatures share"),
    (r"omics/activity_correlation\..+", "Correlation of gene sets' activities with scores"),
    (r"omics/activity_groups\..+", "Groups of patients whose activities are compared"),
    (r"omics/activity_comparison\..+", "Activities of gene sets between groups of patients"),
    (r"omics/overlap\..+", "Overlap of the signatures with reference signatures"),
    (r"omics/intersections\..+", "Genes in exactly these signatures and references"),
    (r"omics/cells\..+", "Single cells with patient, type and place on the map"),
    (r"omics/cell_decisions\..+", "Decisions on the way to the single cells"),
    (r"omics/cell_genes_by_(type|patient)\..+", r"Genes of the signatures in cell types, by \1"),
    (r"omics/cell_genes\..+", "Cell type that expresses each gene of a signature most"),
    (r"omics/cell_scores\..+", "Score of every signature in every single cell"),
    (r"omics/cell_score_means\..+", "Mean score of every signature by patient and cell type"),
    (r"omics/interactions\..+", "Ligand-receptor pairs between the cell types of every patient"),
    (r"omics/interaction_summary\..+", "Ligand-receptor pairs over all patients"),
    (r"omics/interaction_decisions\..+", "Decisions on the way to the ligand-receptor pairs"),
    (r"omics/mutation_strata\..+", "Mutated genes that make strata"),
    (r"survival/outliers\..+", "Outlying areas and survival times, by Grubbs' test"),
    (r"survival/area_correlation\..+", "Correlation of areas with survival time, by mutation"),
    (r"survival/curves\..+", "Kaplan-Meier curves of groups by area"),
    (r"survival/groups\..+", "Groups by area with medians and log-rank tests"),
    (r"survival/scores\..+", "Every score of the patients that is set against survival"),
    (r"survival/cohorts\..+", "Cohort of each patient"),
    (r"survival/balance\..+", "Covariates and survival of the cohorts beside each other"),
    (r"survival/follow_up\..+", "Size, follow-up and median survival of each cohort"),
    (r"survival/cox\..+", "Cox models of areas and covariates"),
)


def description(name: str) -> str:
    """What a file of the bundle is, by its name inside it."""
    for pattern, words in _DESCRIPTIONS:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(words)
    return f"{PurePosixPath(name).name} of the stage {PurePosixPath(name).parts[0]}"


def media_type(name: str) -> str:
    """Format of a file by its name, as a media type."""
    path = PurePosixPath(name)
    if path.name == "Snakefile":
        return "text/plain"
    return _FORMATS.get(path.suffix, "application/octet-stream")
