"""The folder of a cohort: sheets, configuration, lists of files, counts and decisions."""

import csv
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from histoniche.cohort.config import check_config
from histoniche.cohort.schemas import nearest
from histoniche.cohort.sources.derivation_list import write_derived
from histoniche.cohort.sources.gathering import Gathered, below
from histoniche.cohort.sources.records import write_wanted
from histoniche.errors import InputError
from histoniche.files import whole_file, write_text

CONFIG = "config.yaml"
_PRESETS = Path(__file__).parents[4] / "config" / "presets"
_FIRST = ["patient", "time", "event"]


def study_config(
    recipe: Mapping[str, Any], cohort: Gathered, folder: Path, *, keep_slides: bool = True
) -> dict[str, Any]:
    """The configuration of a cohort's study: what was gathered, then the recipe's own blocks.

    Raises
    ------
    InputError
        If it does not fit the schema, together with the presets that the recipe names.
    """
    sheets: dict[str, Any] = {"patients": below(folder, "patients.tsv"), "root": str(folder)}
    if len(cohort.slides):
        sheets["slides"] = below(folder, "slides.tsv")
    config = {
        "study": {
            "name": recipe["name"],
            "title": recipe["title"],
            "description": " ".join(recipe.get("description", "").split()),
        },
        "results": below(folder, "results"),
        "cohort": sheets,
        "sources": {"folder": str(folder)} | ({} if keep_slides else {"keep_slides": False}),
    }
    config = merged(merged(config, cohort.blocks), recipe["config"])
    whole: Mapping[str, Any] = {}
    for preset in recipe["presets"]:
        whole = merged(whole, _preset(preset))
    check_config(merged(whole, config), file=f"recipe {recipe['name']}")
    return config


def write_cohort(
    recipe: Mapping[str, Any], cohort: Gathered, folder: Path, *, keep_slides: bool = True
) -> list[str]:
    """Write the folder of a cohort; a configuration that is there already stays as it is.

    Returns
    -------
    What a person should know, beside the cohort's own warnings.
    """
    config = study_config(recipe, cohort, folder, keep_slides=keep_slides)
    write_wanted(cohort.remotes, folder)
    write_derived(cohort.derived, folder)
    ordered = [*_FIRST, *(name for name in cohort.patients if name not in _FIRST)]
    _write_table(cohort.patients[ordered].sort_values("patient"), folder / "patients.tsv")
    if len(cohort.slides):
        _write_table(cohort.slides, folder / "slides.tsv")
    _write_table(cohort.flow.count_table(), folder / "flow.tsv")
    _write_table(cohort.flow.decision_table(), folder / "decisions.tsv")
    for name, table in cohort.tables.items():
        _write_table(table, folder / name)
    for name, text in cohort.texts.items():
        write_text(text, folder / name)
    write_text("\n\n".join(cohort.rules) + "\n", folder / "rules.txt")
    if (folder / CONFIG).exists():
        return [f"{folder / CONFIG} is there already and stays; remove it to have it written anew"]
    write_text(_as_yaml(config, recipe, folder), folder / CONFIG)
    return []


def _preset(name: str) -> dict[str, Any]:
    """A preset of the workflow by its name."""
    known = sorted(path.stem for path in _PRESETS.glob("*.yaml"))
    if name not in known:
        raise InputError(
            "no such preset", column="presets", value=name, remedy=nearest(name, known)
        )
    return dict(yaml.safe_load((_PRESETS / f"{name}.yaml").read_text(encoding="utf-8")))


def command(recipe: Mapping[str, Any], folder: Path) -> str:
    """How a person runs the cohort's study."""
    files = " ".join(_configs(recipe, folder))
    return f"snakemake --configfile {files} --cores all"


def stream_command(recipe: Mapping[str, Any], folder: Path) -> str:
    """How a person has the slides of a study that does not keep them pass through."""
    configs = " ".join(f"--config {path}" for path in _configs(recipe, folder))
    return f"histoniche stream {configs} -- --cores all"


def _configs(recipe: Mapping[str, Any], folder: Path) -> list[str]:
    """Files of the study's configuration, the presets first."""
    presets = [f"config/presets/{preset}.yaml" for preset in recipe["presets"]]
    return [shlex.quote(path) for path in [*presets, below(folder, CONFIG)]]


def _as_yaml(config: Mapping[str, Any], recipe: Mapping[str, Any], folder: Path) -> str:
    """The configuration as text, with how it came about."""
    head = (
        f"# Written by `histoniche cohort {recipe['name']}`; every key is described in "
        f"config/README.md.\n# Run it:\n#   {command(recipe, folder)}\n"
    )
    return head + yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=98)


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as TSV, empty where a value is missing."""
    with whole_file(path) as temporary:
        table.to_csv(
            temporary, sep="\t", index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL
        )


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings as Snakemake joins configurations: the second wins, blocks are joined."""
    both = dict(first)
    for key, value in second.items():
        if isinstance(value, Mapping) and isinstance(both.get(key), Mapping):
            both[key] = merged(both[key], value)
        else:
            both[key] = value
    return both
