"""Files of a study that are not here yet, because a source has them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from histoniche.cohort.sources.derivation_list import read_derived
from histoniche.cohort.sources.records import WANTED, read_wanted
from histoniche.cohort.sources.remote import Remote


@dataclass(frozen=True)
class Coming:
    """What the block `sources` of a configuration brings.

    Parameters
    ----------
    folder
        Of the cohort; empty without the block.
    remotes
        Files of a source by their place, as paths of the study name them.
    derived
        Places of what is made of them.
    keeps_slides
        Whether slides stay after they were fetched.
    """

    folder: str = ""
    remotes: Mapping[str, Remote] = field(default_factory=dict)
    derived: frozenset[str] = frozenset()
    keeps_slides: bool = True

    def brings(self, path: str) -> bool:
        """Whether a file will be here when it is needed."""
        place = os.path.normpath(path)
        return place in self.remotes or place in self.derived

    def remote(self, path: str) -> Remote | None:
        """The file of a source behind a path; None if it is the user's own."""
        return self.remotes.get(os.path.normpath(path))

    def below(self, part: str) -> list[Remote]:
        """Files that go to one folder of the cohort's, such as `expression`."""
        return [one for one in self.remotes.values() if Path(one.path).parts[0] == part]

    def content(self, path: str) -> str | None:
        """What a file holds, by its source's list; None if that does not say, or has no such."""
        remote = self.remote(path)
        return f"md5:{remote.md5}" if remote is not None and remote.md5 else None

    def here(self, paths: Iterable[str]) -> list[str]:
        """Of some slides those that a job may wait for: all but what comes and goes."""
        return [path for path in paths if self.keeps_slides or self.remote(path) is None]


def read_coming(config: Mapping[str, Any]) -> Coming:
    """Read what a configuration's sources bring.

    Raises
    ------
    InputError
        If the list of files is missing or does not fit.
    """
    if "sources" not in config:
        return Coming()
    block = config["sources"]
    folder = Path(block["folder"])
    remotes = {os.path.normpath(folder / one.path): one for one in read_wanted(folder / WANTED)}
    derived = frozenset(os.path.normpath(folder / step["to"]) for step in read_derived(folder))
    return Coming(str(folder), remotes, derived, block["keep_slides"])
