"""A cohort as it is gathered from a source, before any of it is written."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.sources.cbioportal import CBioPortal
from histoniche.cohort.sources.decisions import Flow
from histoniche.cohort.sources.gdc import Gdc
from histoniche.cohort.sources.ivygap import IvyGap
from histoniche.cohort.sources.remote import Remote


@dataclass(frozen=True)
class Services:
    """The services that recipes ask."""

    gdc: Gdc
    cbioportal: CBioPortal
    ivygap: IvyGap


@dataclass
class Gathered:
    """What a recipe found.

    Parameters
    ----------
    patients, slides
        The sheets.
    remotes
        Files to fetch.
    flow
        Counts and decisions.
    rules
        In words, how it was decided.
    blocks
        Of the configuration.
    tables
        Further tables to write, by file name.
    texts
        Further files to write, by their place.
    derived
        What is made of fetched files; see `derivation.derive`.
    warnings
        What a person should know.
    """

    patients: pd.DataFrame
    slides: pd.DataFrame
    remotes: list[Remote] = field(default_factory=list)
    flow: Flow = field(default_factory=Flow)
    rules: list[str] = field(default_factory=list)
    blocks: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    derived: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def below(folder: Path, *parts: str) -> str:
    """A place in the cohort's folder, as the configuration names it."""
    return str(folder.joinpath(*parts))
