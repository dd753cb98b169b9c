"""The configuration: a closed schema, its defaults, and errors that name the mend."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

import jsonschema

from histoniche.cohort.config_problems import problems
from histoniche.cohort.risk_problems import risk_problems
from histoniche.cohort.schemas import nearest, read_schema, resolve
from histoniche.cohort.trait_problems import trait_problems
from histoniche.errors import InputError


def check_config(config: Mapping[str, Any], *, file: str) -> dict[str, Any]:
    """Check a configuration against the schema and fill in its defaults.

    Parameters
    ----------
    config
        As it stands in the YAML file.
    file
        The file's name, for errors.

    Returns
    -------
    The configuration with every default filled in, keys sorted and numbers of
    one kind (8 and 8.0 are the same), so that it compares equal when it means
    the same. A stage whose block is missing stays missing.

    Raises
    ------
    InputError
        If a key is unknown, missing or has a value that does not fit.
    """
    schema = read_schema("config")
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        raise _explain(errors[0], file)
    filled = _fill(dict(config), schema, schema)
    _check_references(filled, file)
    return filled


def _explain(error: Any, file: str) -> InputError:
    """Turn the schema's error into one line with the key, the value and what to do."""
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(name for name in error.instance if name not in known)
        path = f"{key}.{unknown}" if key else str(unknown)
        return InputError(
            "unknown key", file=file, column=path, remedy=nearest(str(unknown), known)
        )
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        path = f"{key}.{missing}" if key else str(missing)
        return InputError("this key is missing", file=file, column=path, remedy="add it")
    if error.validator == "enum":
        remedy = nearest(str(error.instance), map(str, error.validator_value))
        problem = "not one of the choices"
    elif isinstance(error.instance, bool) and "string" in error.schema.get("type", ()):
        problem = "YAML takes yes, no, on and off for truth values"
        remedy = "put the text in quotes"
    elif "number" in error.schema.get("type", ()) and _reads_as_number(error.instance):
        problem = "text where a number is wanted"
        remedy = f"write {float(error.instance):f}".rstrip("0")
    else:
        problem, remedy = error.message, "see config/README.md"
    return InputError(
        problem, file=file, column=key or "top level", value=error.instance, remedy=remedy
    )


def _reads_as_number(value: object) -> bool:
    """Whether `value` is text such as 1e-3, which YAML does not take for a number."""
    try:
        return isinstance(value, str) and float(value) is not None
    except ValueError:
        return False


def _fill(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Fill in defaults below `value`, sort its keys and make its numbers of one kind.

    Keys whose order says something, `ordered` in the schema, stay as they are.
    """
    schema = resolve(schema, root)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for key, entry in properties.items():
            if key not in value and "default" in entry:
                value = {**value, key: entry["default"]}
        others = schema.get("additionalProperties")
        others = others if isinstance(others, dict) else {}
        names = list(value) if schema.get("ordered") else sorted(value)
        return {key: _fill(value[key], properties.get(key, others), root) for key in names}
    if isinstance(value, list):
        return [_fill(item, schema.get("items", {}), root) for item in value]
    numeric = schema.get("type") in ("number", ["number", "string"])
    if numeric and value is not None and not isinstance(value, str):
        return float(value)
    return int(value) if schema.get("type") == "integer" else value


def _check_references(config: Mapping[str, Any], file: str) -> None:
    """Check what a schema cannot: keys that refer to one another."""
    for problem in chain(problems(config), trait_problems(config), risk_problems(config)):
        raise InputError(
            problem.text,
            file=file,
            column=problem.key,
            value=problem.value,
            remedy=problem.remedy,
        )
