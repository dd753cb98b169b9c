"""Places: the files that a configuration and its sheets name, apart from where results go."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from histoniche.cohort.named_files import (
    LEARNING,
    NAMED_PATHS,
    OF_COHORTS,
    PATHS,
    files_by_name,
    files_named,
    is_file_of_weights,
)
from histoniche.errors import InputError

# Places of their models and weights are checked with what they are for.
_CHECKED_ELSEWHERE = ("cohort", "sources", *LEARNING, "imaging", "slide_signature")


def fill_in_paths(config: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Fill environment variables into every path of a configuration."""
    filled = {**config, **{key: _fill_in(config[key], file, key) for key in ("palette", "weights")}}
    for block, keys in PATHS.items():
        if block in config:
            paths = {
                key: _fill_in(config[block][key], file, f"{block}.{key}")
                for key in keys & set(config[block])
            }
            filled[block] = {**config[block], **paths}
    for block, key in NAMED_PATHS.items():
        if key in config.get(block, {}):
            files = {
                name: _fill_in(path, file, f"{block}.{key}.{name}")
                for name, path in config[block][key].items()
            }
            filled[block] = {**filled[block], key: files}
    if "pathways" in config:
        cohorts = _fill_in_cohorts(config["pathways"]["cohorts"], file)
        filled["pathways"] = {**filled["pathways"], "cohorts": cohorts}
    if "single_cell" in config:
        cells = _fill_in_cells(config["single_cell"]["cells"], file, "single_cell.cells")
        filled["single_cell"] = {**filled["single_cell"], "cells": cells}
    if "tilings" in config:
        filled["tilings"] = {
            name: _fill_in_reference(entry, file, f"tilings.{name}.stain")
            for name, entry in config["tilings"].items()
        }
    if "segmentation" in filled:
        segmentation = filled["segmentation"]
        heads = {
            head: _fill_in_weights(entry, file, f"segmentation.heads.{head}")
            for head, entry in segmentation["heads"].items()
        }
        training = _fill_in_weights(segmentation["training"], file, "segmentation.training")
        filled["segmentation"] = {**segmentation, "training": training, "heads": heads}
        tuning = segmentation.get("tuning", {})
        if "verdicts" in tuning:
            path = _fill_in(tuning["verdicts"], file, "segmentation.tuning.verdicts")
            filled["segmentation"]["tuning"] = {**tuning, "verdicts": path}
    if "traits" in filled:
        filled["traits"] = _fill_in_traits(filled["traits"], file)
    return filled


def check_tables(
    config: Mapping[str, Any], file: str, comes: Callable[[str], bool] = lambda path: False
) -> None:
    """Every table and library that the configuration names is there, or `comes` when needed."""
    named = {
        f"{block}.{key}": config.get(block, {}).get(key)
        for block, keys in PATHS.items()
        for key in sorted(keys)
        if block not in _CHECKED_ELSEWHERE
    }
    for column, path in {**named, **files_by_name(config)}.items():
        if path is not None and not Path(path).exists() and not comes(path):
            remedy = "mend the path, or make the file first"
            raise InputError("no such file", file=file, column=column, value=path, remedy=remedy)


def check_places(config: Mapping[str, Any], file: str) -> None:
    """What is read must not lie where the workflow writes, or a run could remove it."""
    results = Path(config["results"]).resolve()
    for column, path in files_named(config).items():
        if path is not None and Path(path).resolve().is_relative_to(results):
            raise InputError(
                "lies in the folder of results",
                file=file,
                column=column,
                value=path,
                remedy="keep what is read and what is written apart",
            )


def check_slides_places(config: Mapping[str, Any], slides: pd.DataFrame) -> None:
    """No file of the sheet lies among the results: a job that writes it would delete it first."""
    columns = {name: slides[name] for name in ("path", "annotation", "tissue_mask")}
    _check_columns(config, config["cohort"]["slides"], columns, slides["slide"], "slide")


def check_scan_places(config: Mapping[str, Any], scans: pd.DataFrame) -> None:
    """No file of the sheet of scans lies among the results."""
    imaging = config["imaging"]
    files = ("mask", "brain_mask", "dwi", "bvals", "bvecs", *imaging["maps"])
    columns = {name: scans[name] for name in files if name in scans}
    _check_columns(config, imaging["scans"], columns, scans["patient"], "patient")


def _check_columns(
    config: Mapping[str, Any],
    sheet: str,
    columns: "Mapping[str, pd.Series[Any]]",
    names: "pd.Series[str]",
    thing: str,
) -> None:
    """No file of some columns of a sheet lies among the results."""
    results = Path(config["results"]).resolve()
    for column, paths in columns.items():
        for name, path in zip(names, paths, strict=True):
            if path is not None and Path(path).resolve().is_relative_to(results):
                raise InputError(
                    "lies in the folder of results, where the next run writes",
                    file=sheet,
                    column=column,
                    value=path,
                    remedy=f"copy it elsewhere and name the copy for {thing} {name}",
                )


def _fill_in(path: str, file: str, column: str) -> str:
    """Fill environment variables into one path."""
    try:
        return Template(path).substitute(os.environ)
    except (KeyError, ValueError) as error:
        raise InputError(
            f"the environment variable {error} is not set",
            file=file,
            column=column,
            value=path,
            remedy="set it, or write the folder itself",
        ) from error


def _fill_in_cells(cells: Any, file: str, column: str) -> Any:
    """Fill environment variables into the files or folders of single cells, which must exist."""
    if isinstance(cells, Mapping):
        return {
            patient: _fill_in_cells(path, file, f"{column}.{patient}")
            for patient, path in cells.items()
        }
    path = _fill_in(cells, file, column)
    if not Path(path).exists():
        remedy = "name a file or a folder that is here"
        raise InputError(
            "no such file or folder", file=file, column=column, value=path, remedy=remedy
        )
    return path


def _fill_in_cohorts(cohorts: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Fill environment variables into the files of external cohorts."""
    return {
        name: {
            **cohort,
            **{
                key: _fill_in(cohort[key], file, f"pathways.cohorts.{name}.{key}")
                for key in OF_COHORTS
            },
        }
        for name, cohort in cohorts.items()
    }


def _fill_in_reference(tiling: Mapping[str, Any], file: str, column: str) -> dict[str, Any]:
    """Fill environment variables into the picture of a tiling's stain, which must exist."""
    stain = tiling["stain"]
    if "reference" not in stain:
        return dict(tiling)
    path = _fill_in(stain["reference"], file, f"{column}.reference")
    _check_there(path, file, f"{column}.reference", "name a picture that is here")
    return {**tiling, "stain": {**stain, "reference": path}}


def _fill_in_weights(settings: Mapping[str, Any], file: str, column: str) -> dict[str, Any]:
    """Fill environment variables into the file of weights of a network, which must exist."""
    weights = settings.get("encoder_weights")
    if not is_file_of_weights(weights):
        return dict(settings)
    path = _fill_in(str(weights), file, f"{column}.encoder_weights")
    remedy = "name a safetensors file that is here, or null to start at random"
    _check_there(path, file, f"{column}.encoder_weights", remedy)
    return {**settings, "encoder_weights": path}


def _fill_in_traits(traits: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Fill environment variables into every file of weights that traits start from."""
    filled = dict(traits)
    for key in {"training", "features"} & set(traits):
        filled[key] = _fill_in_weights(traits[key], file, f"traits.{key}")
    filled["named"] = {
        name: {
            **trait,
            "training": _fill_in_weights(trait["training"], file, f"traits.named.{name}.training"),
        }
        if "training" in trait
        else trait
        for name, trait in traits["named"].items()
    }
    return filled


def _check_there(path: str, file: str, column: str, remedy: str) -> None:
    """A file that the configuration names exists."""
    if not Path(path).is_file():
        raise InputError("no such file", file=file, column=column, value=path, remedy=remedy)
