"""Recipes: what a public source is asked for, and the study that is written of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from histoniche.cohort.schemas import nearest, read_schema
from histoniche.errors import InputError

SHIPPED = Path(__file__).parents[4] / "resources" / "cohorts"


def shipped() -> list[str]:
    """Names of the recipes that come along."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def find_recipe(name: str) -> Path:
    """A shipped recipe by its name, or a file of one's own.

    Raises
    ------
    InputError
        If it is neither.
    """
    if name in shipped():
        return SHIPPED / f"{name}.yaml"
    if Path(name).is_file():
        return Path(name)
    remedy = f"{nearest(name, shipped())} or name a YAML file"
    raise InputError("no such recipe", value=name, remedy=remedy)


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe and fill in its defaults; see `workflow/schemas/recipe.schema.yaml`.

    Paths of own tables, and of unpacked studies, are joined to the recipe's folder.

    Raises
    ------
    InputError
        If it is no YAML, or a key is unknown, missing or does not fit.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        place = getattr(getattr(error, "problem_mark", None), "line", None)
        row = None if place is None else place + 1
        raise InputError("not YAML", file=path, row=row, remedy="mend the line") from error
    schema = read_schema("recipe")
    found = list(jsonschema.Draft202012Validator(schema).iter_errors(content))
    if found:
        raise _explain(min(found, key=lambda error: list(map(str, error.path))), path)
    recipe = _filled(content, schema)
    for label in recipe["labels"].values():
        if "path" in label:
            label["path"] = str(path.parent / label["path"])
        if "study" in label:
            label["study"] = _joined(path.parent, label["study"])
    for key, named in recipe["survival"].items():
        studies = [named] if isinstance(named, str) else named
        recipe["survival"][key] = [_joined(path.parent, study) for study in studies]
    if "manifest" in recipe:
        recipe["manifest"] = str(path.parent / recipe["manifest"])
    return recipe


def _joined(folder: Path, study: str) -> str:
    """A study's id, or the path of the folder that it was unpacked to."""
    return str(folder / study) if (folder / study).is_dir() else study


def _explain(error: Any, path: Path) -> InputError:
    """The schema's error as one line."""
    key = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(name for name in error.instance if name not in known)
        remedy = nearest(str(unknown), known)
        return InputError("unknown key", file=path, column=f"{key}.{unknown}", remedy=remedy)
    if error.validator is None:
        problem, remedy = "has no meaning for this source", "remove it"
    else:
        problem, remedy = error.message[:200], "see docs/cohorts.md"
    return InputError(problem, file=path, column=key, remedy=remedy)


def _filled(value: Any, schema: Mapping[str, Any]) -> Any:
    """Fill in defaults below a mapping."""
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    missing = {
        key: entry["default"]
        for key, entry in properties.items()
        if isinstance(entry, dict) and "default" in entry and key not in value
    }
    below = others if isinstance(others, dict) else {}
    return {key: _filled(one, properties.get(key, below)) for key, one in (value | missing).items()}
