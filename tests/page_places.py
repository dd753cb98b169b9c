"""Where a run leaves the tables that the summary page shows, by the names that the page knows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from page_frames import Run
from page_numbers import run_of

PLACES = {
    **{name: f"cohort/{name}" for name in ("patients", "split")},
    "quality": "slides/quality",
    "areas": "areas/patients",
    **{name: f"segmentation/{name}" for name in ("metrics", "agreement")},
    "decisions": "omics/expression_decisions",
    "strata": "omics/mutation_strata",
    "sizes": "omics/signature_sizes",
    **{
        name: f"omics/{name}"
        for name in (
            *("expression_patients", "mutation_patients", "correlation", "signatures"),
            *("enrichment", "gsea", "cell_types", "overlap", "cells", "cell_genes"),
            *("cell_score_means", "interaction_summary", "activity_correlation"),
            *("activity_comparison", "differential", "differential_enrichment"),
            *("comparison_groups", "pathway_decisions", "pathway_correlation"),
        )
    },
    **{
        name: f"survival/{name}"
        for name in (
            *("groups", "cox", "cut_points", "score_groups", "stated_groups"),
            *("covariate_groups", "covariate_pairs", "covariate_trends", "genes_cox"),
            *("genes_log_rank", "follow_up", "balance", "model_performance"),
            *("model_differences", "model_coefficients", "model_proportionality"),
            *("model_forms", "pathway_groups"),
        )
    },
    "scan_quality": "imaging/quality",
    "imaging_performance": "imaging/performance",
    "activation_groups": "imaging/activation_groups",
    "slide_signature_performance": "slide_signature/performance",
    "trait_metrics": "traits/metrics",
    "trait_rounds_table": "traits/round_table",
    "trait_comparisons": "traits/comparisons",
}


def finished_run(results: Path, settings: Mapping[str, Any]) -> Run:
    """The tables of a finished run, as far as its stages ran."""
    places = {name: results / f"{place}.parquet" for name, place in PLACES.items()}
    files: dict[str, Any] = {name: path for name, path in places.items() if path.is_file()}
    files["clinical"] = sorted(results.glob("survival/clinical/*/*.parquet"))
    files["trait_chains"] = sorted(results.glob("traits/chains/*/comparison.parquet"))
    return run_of(files, settings, results / "figures")
