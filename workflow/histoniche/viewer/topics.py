"""Topics: which figures and tables of a run stand on which page."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from histoniche.viewer.index import Index


class Topic(NamedTuple):
    """A page of figures and tables, by patterns of their names."""

    name: str
    title: str
    figures: str
    tables: str


class Found(NamedTuple):
    """What a topic has of a run."""

    figures: list[str]
    tables: list[str]


# The first that fits takes a figure or table.
TOPICS = (
    Topic(
        "regions",
        "Regions",
        r"areas|composition|overlap|confusion|agreement|calibration|training.*",
        r"areas/.*|segmentation/.*",
    ),
    Topic(
        "signatures",
        "Signatures",
        r"signature_.*|overlap_references|cell_types",
        r"omics/(signature.*|correlation|gene_survival|overlap|intersections|cell_types|scores)",
    ),
    Topic(
        "enrichment",
        "Enrichment",
        r"enrichment|gsea|term_network|activity.*|volcano.*|differing_genes|pathway_.*",
        r"omics/(enrichment|gsea|term_.*|activity.*|differential.*|comparison.*)",
    ),
    Topic("cells", "Single cells", r"cell_.*|interaction.*", r"omics/(cell.*|interaction.*)"),
    Topic("traits", "Traits", r"trait_.*|chain_.*|heterogeneity.*", r"traits/.*"),
    Topic(
        "risk",
        "Signatures of risk",
        r"risks?_.*|imaging_.*",
        r"imaging/.*|slide_signature/.*",
    ),
    Topic(
        "survival",
        "Survival",
        r"kaplan_meier|cox|area_survival|balance|score_.*|cut_.*|stated_.*|covariate_.*|genes_.*"
        r"|models_.*|clinical_.*|added_value.*|decision_.*|held_out_.*",
        r"survival/.*",
    ),
    Topic("others", "Other results", r".*", r".*"),
)


def find_topics(index: Index) -> dict[str, Found]:
    """What each topic has, by its name; topics that have nothing are left out."""
    figures = {name: _first(name, [topic.figures for topic in TOPICS]) for name in index.figures}
    tables = {name: _first(name, [topic.tables for topic in TOPICS]) for name in index.tables}
    found = {
        topic.name: Found(
            [name for name, own in figures.items() if TOPICS[own] is topic],
            [name for name, own in tables.items() if TOPICS[own] is topic],
        )
        for topic in TOPICS
    }
    return {name: own for name, own in found.items() if own.figures or own.tables}


def _first(name: str, patterns: Sequence[str]) -> int:
    """Number of the first pattern that fits a name; the last fits any."""
    return next(k for k, pattern in enumerate(patterns) if re.fullmatch(pattern, name))


def words_of(name: str) -> str:
    """A figure's or table's name in words: "kaplan_meier" is "Kaplan meier"."""
    last = name.rpartition("/")[2].replace("_", " ")
    return last[:1].upper() + last[1:]
