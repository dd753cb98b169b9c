"""Keys of a configuration that name files or folders."""

from collections.abc import Mapping
from typing import Any

PATHS: dict[str, set[str]] = {
    "cohort": {"slides", "patients", "root"},
    "sources": {"folder"},
    "segmentation": {"pretrained"},
    "traits": {"pretrained"},
    "imaging": {"scans", "root", "pretrained"},
    "slide_signature": {"pretrained"},
    "areas": {"path"},
    "scores": {"path"},
    "expression": {"path", "sample_sheet"},
    "mutations": {"path", "sequenced"},
    "cell_types": {"ontology"},
    "single_cell": {"labels"},
    "ligand_receptor": {"pairs"},
}
NAMED_PATHS = {
    "enrichment": "gene_sets",
    "cell_types": "markers",
    "signatures": "references",
    "activity": "gene_sets",
    "pathways": "gene_sets",
}
"""Keys that hold files by name."""

OF_COHORTS = ("expression", "patients")
"""Files of each external cohort of the block `pathways`."""

LEARNING = ("segmentation", "traits")
"""Blocks whose networks may start from files of weights."""

_FOLDERS = {"root", "folder"}


def is_file_of_weights(encoder_weights: str | None) -> bool:
    """Whether `encoder_weights` names a file, and not published weights or none."""
    return encoder_weights is not None and encoder_weights.endswith(".safetensors")


def files_named(config: Mapping[str, Any]) -> dict[str, str | None]:
    """Files, and folders of models or cells, that a configuration reads.

    Parameters
    ----------
    config
        The configuration; blocks and keys may be missing.

    Returns
    -------
    Path by dotted key, such as `expression.path`; None where a key is not given.
    """
    return {
        "palette": config.get("palette"),
        **{
            f"{block}.{key}": config.get(block, {}).get(key)
            for block, keys in PATHS.items()
            for key in sorted(keys - _FOLDERS)
        },
        **{
            f"tilings.{name}.stain.reference": tiling.get("stain", {}).get("reference")
            for name, tiling in config.get("tilings", {}).items()
        },
        "segmentation.tuning.verdicts": config.get("segmentation", {})
        .get("tuning", {})
        .get("verdicts"),
        **files_by_name(config),
        **_places_of_cells(config.get("single_cell", {}).get("cells")),
        **places_of_weights(config),
    }


def files_by_name(config: Mapping[str, Any]) -> dict[str, str]:
    """Files that have names of their own, by their key."""
    external = config.get("pathways", {}).get("cohorts", {})
    return {
        f"{block}.{key}.{name}": path
        for block, key in NAMED_PATHS.items()
        for name, path in config.get(block, {}).get(key, {}).items()
    } | {
        f"pathways.cohorts.{name}.{key}": cohort[key]
        for name, cohort in external.items()
        for key in OF_COHORTS
    }


def places_of_weights(config: Mapping[str, Any]) -> dict[str, str]:
    """Files of weights that networks start from, by their key."""
    segmentation, traits = (config.get(block, {}) for block in LEARNING)
    blocks = {
        "segmentation.training": segmentation.get("training", {}),
        "traits.training": traits.get("training", {}),
        "traits.features": traits.get("features", {}),
        **{
            f"segmentation.heads.{head}": own for head, own in segmentation.get("heads", {}).items()
        },
        **{
            f"traits.named.{name}.training": trait.get("training", {})
            for name, trait in traits.get("named", {}).items()
        },
    }
    named = {f"{key}.encoder_weights": own.get("encoder_weights") for key, own in blocks.items()}
    return {key: path for key, path in named.items() if is_file_of_weights(path)}


def _places_of_cells(cells: str | Mapping[str, str] | None) -> dict[str, str | None]:
    """Files or folders of single cells by their key."""
    if isinstance(cells, Mapping):
        return {f"single_cell.cells.{patient}": path for patient, path in cells.items()}
    return {"single_cell.cells": cells}
