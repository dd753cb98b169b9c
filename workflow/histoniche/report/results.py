"""What a run left behind, by name, as far as its stages ran."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from histoniche.cohort.palette import Region
from histoniche.tables import read_table

TABLES = (
    "patients",
    "cohort_flow_counts",
    "cohort_decisions",
    "cohort_fetched",
    "split",
    "quality",
    "slide_counts",
    "areas",
    "trait_division",
    "trait_labels",
    "trait_metrics",
    "trait_agreement",
    "trait_rounds_table",
    "trait_comparisons",
    "heterogeneity",
    "scan_quality",
    "scan_counts",
    "imaging_split",
    "imaging_scores",
    "imaging_performance",
    "activation",
    "activation_zones",
    "activation_groups",
    "slide_signature_split",
    "slide_signature_scores",
    "slide_signature_performance",
    "scores",
    "metrics",
    "confusion",
    "agreement",
    "calibration",
    "decisions",
    "expression_patients",
    "mutation_decisions",
    "mutation_patients",
    "comparison_groups",
    "differential",
    "differential_enrichment",
    "correlation",
    "signatures",
    "sizes",
    "enrichment",
    "term_nodes",
    "term_edges",
    "gsea",
    "cell_types",
    "activity_correlation",
    "activity_groups",
    "activity_comparison",
    "overlap",
    "intersections",
    "cells",
    "cell_decisions",
    "cell_genes",
    "cell_score_means",
    "interactions",
    "interaction_summary",
    "interaction_decisions",
    "cohorts",
    "balance",
    "follow_up",
    "survival_scores",
    "cut_points",
    "cut_search",
    "score_groups",
    "score_curves",
    "stated_groups",
    "stated_curves",
    "covariate_groups",
    "covariate_curves",
    "covariate_pairs",
    "covariate_trends",
    "genes_cox",
    "genes_log_rank",
    "pathway_enrichment",
    "pathway_activity",
    "pathway_correlation",
    "pathway_expression",
    "pathway_genes",
    "pathway_decisions",
    "pathway_cut",
    "pathway_search",
    "pathway_groups",
    "pathway_curves",
    "model_performance",
    "model_differences",
    "model_coefficients",
    "model_tests",
    "model_proportionality",
    "model_forms",
    "curves",
    "groups",
    "cox",
    "area_correlation",
    "outliers",
    "strata",
)
"""Tables that the summary page knows."""

LISTS = (
    *("thumbnails", "overlays", "figures", "leaderboards", "clinical"),
    *("heat_maps", "heterogeneity_maps", "trait_galleries", "trait_chains", "scan_pictures"),
)
"""Lists of pictures and tables that the summary page knows."""


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as dicts from column to value."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def top_of_each(rows: pd.DataFrame, number: int, *, by: str, order: Sequence[str]) -> pd.DataFrame:
    """Up to `number` first rows of each value of the column `by`, its values in this order."""
    top = rows.groupby(by, sort=False).head(number)
    return top.sort_values(by, key=lambda names: names.map(list(order).index), kind="stable")


class Results:
    """Files of a run by name; what a stage that did not run would have written is absent.

    Parameters
    ----------
    files
        Name to path, or to paths; names as in `TABLES` and `LISTS`.
    settings
        The blocks of the configuration with their defaults.
    palette
        Regions with names and colours, background first.

    Raises
    ------
    ValueError
        If a name is not known.
    """

    def __init__(
        self,
        files: Mapping[str, Path | Sequence[Path]],
        settings: Mapping[str, Any],
        palette: Sequence[Region],
    ) -> None:
        unknown = sorted(set(files) - {*TABLES, *LISTS})
        if unknown:
            raise ValueError(f"unknown names: {', '.join(unknown)}")
        self._files = dict(files)
        self.settings = settings
        self.palette = palette
        self.table = cache(self._table)

    def has(self, *names: str) -> bool:
        """Whether the run left all of these behind."""
        return all(name in self._files for name in names)

    def paths(self, name: str) -> list[Path]:
        """Paths of a list; empty if the stage did not run."""
        found = self._files.get(name, [])
        return [found] if isinstance(found, Path) else list(found)

    def figure(self, stem: str) -> Path | None:
        """Path of a figure by its name without ending."""
        drawings = (path for path in self.paths("figures") if path.suffix == ".svg")
        return next((path for path in drawings if path.stem == stem), None)

    def place(self, path: Path) -> str:
        """Address of a result as seen from the summary page; empty if it lies elsewhere."""
        root = Path(self.settings.get("results", "."))
        return quote(path.relative_to(root).as_posix()) if path.is_relative_to(root) else ""

    def block(self, name: str) -> dict[str, Any]:
        """One block of the configuration; empty if it is not there."""
        return dict(self.settings.get(name) or {})

    def region_names(self) -> dict[str, str]:
        """Name of every region by its code, in the palette's order."""
        return {region.region: region.name for region in self.palette}

    def named(self, code: str) -> str:
        """Region's name in running text, with its code; what is no region stays as it is."""
        names = self.region_names()
        return f"{names[code].lower()} ({code})" if code in names else code

    def signature_names(self) -> dict[str, str]:
        """Name of every region, and then of every score, that may have a signature, by its code."""
        return self.region_names() | {name: name for name in self.signed_scores()}

    def signed_scores(self) -> list[str]:
        """The study's own scores that got signatures."""
        return list(self.block("signatures").get("scores", []))

    def roles(self) -> dict[str, str]:
        """Role in training by patient; empty if nothing was divided."""
        if not self.has("split"):
            return {}
        split = self.table("split")
        return dict(zip(split["patient"], split["role"], strict=True))

    def _table(self, name: str) -> pd.DataFrame:
        """One table; read once."""
        (path,) = self.paths(name)
        return read_table(path)
