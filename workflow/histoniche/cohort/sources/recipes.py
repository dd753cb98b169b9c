"""Recipes: what a public source is asked for, and the study that is written of it."""

from collections.abc import Collection, Mapping
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


def adapted(recipe: dict[str, Any], *, frozen: bool, without: Collection[str]) -> dict[str, Any]:
    """A recipe with what the command line changes of it.

    Parameters
    ----------
    recipe
        As `read_recipe` gives it.
    frozen
        Whether frozen sections are taken beside the recipe's.
    without
        Labels that are left out, with all that goes by them.

    Raises
    ------
    InputError
        If the recipe has no slides, or no such label.
    """
    if frozen:
        if "slides" not in recipe:
            remedy = "leave --frozen away"
            raise InputError("the recipe has no slides", value=recipe["name"], remedy=remedy)
        types = dict.fromkeys([*recipe["slides"]["section_types"], "frozen"])
        recipe = {**recipe, "slides": {**recipe["slides"], "section_types": list(types)}}
    for label in without:
        if label not in recipe["labels"]:
            remedy = nearest(label, recipe["labels"])
            raise InputError("the recipe has no such label", value=label, remedy=remedy)
    labels = {name: entry for name, entry in recipe["labels"].items() if name not in without}
    return {**recipe, "labels": labels, "config": _without(recipe["config"], set(without))}


def _without(config: Mapping[str, Any], labels: Collection[str]) -> dict[str, Any]:
    """A recipe's configuration without what goes by some labels."""
    curves, traits = config.get("survival_curves", {}), config.get("traits", {})
    changed = dict(config)
    if "groups" in curves:
        groups = [name for name in curves["groups"] if name not in labels]
        orders = {name: order for name, order in curves.get("orders", {}).items() if name in groups}
        changed["survival_curves"] = {**curves, "groups": groups, "orders": orders}
    models = config.get("survival_models", {}).get("models", {})
    if models:
        # A model without one of its covariates would be another model.
        own = {
            name: model
            for name, model in models.items()
            if not set(labels).intersection(model["covariates"])
        }
        changed["survival_models"] = {**config["survival_models"], "models": own}
        if not own:
            del changed["survival_models"]
    if "named" in traits:
        named = {name: trait for name, trait in traits["named"].items() if name not in labels}
        changed["traits"] = {**traits, "named": named}
    return changed
