"""By how much a table may differ and still count as reproduced: `resources/tolerances.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import jsonschema
import yaml

from histoniche.cohort.schemas import read_schema
from histoniche.errors import InputError

STATED = Path(__file__).parents[3] / "resources" / "tolerances.yaml"


@dataclass(frozen=True)
class Tolerance:
    """Largest differences: a number's `absolute` + `relative` x the larger of both; a count's."""

    relative: float
    absolute: float
    counts: float

    def __str__(self) -> str:
        """As it is shown in a table."""
        return f"{self.relative:g} x value + {self.absolute:g}, counts {self.counts:g} x value"


@dataclass(frozen=True)
class Tolerances:
    """Tolerances by what a table follows from."""

    statistics: Tolerance
    networks: Tolerance
    texts: Tolerance
    rules: frozenset[str]
    """Rules that train or apply a network."""
    tables: Mapping[str, Tolerance]

    def of(self, table: str, *, follows_network: bool, is_text: bool) -> Tolerance:
        """Tolerance of a table, by its name without ending."""
        for pattern, own in self.tables.items():
            if fnmatchcase(table, pattern):
                return own
        if follows_network:
            return self.networks
        return self.texts if is_text else self.statistics


def read_tolerances(path: Path = STATED) -> Tolerances:
    """Read a file of tolerances; see `resources/tolerances.yaml`.

    Raises
    ------
    InputError
        If the file is missing or does not fit its schema.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="name a file of tolerances")
    remedy = "copy resources/tolerances.yaml and change its numbers"
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError("not YAML", file=path, remedy=remedy) from error
    misfits = jsonschema.Draft202012Validator(read_schema("tolerances")).iter_errors(stated)
    for misfit in sorted(misfits, key=lambda one: list(map(str, one.absolute_path))):
        key = ".".join(map(str, misfit.absolute_path)) or "top level"
        raise InputError(misfit.message, file=path, column=key, remedy=remedy)
    kinds = ("statistics", "networks", "texts")
    return Tolerances(
        **{kind: Tolerance(**stated[kind]) for kind in kinds},
        rules=frozenset(stated["rules"]),
        tables={pattern: Tolerance(**own) for pattern, own in stated["tables"].items()},
    )
