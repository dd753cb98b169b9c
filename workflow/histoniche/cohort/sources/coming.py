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
        What is made of them: by its place, as paths of the study name it, the places of its
        sources below the folder.
    keeps_slides
        Whether slides stay after they were fetched.
    """

    folder: str = ""
    remotes: Mapping[str, Remote] = field(default_factory=dict)
    derived: Mapping[str, list[str]] = field(default_factory=dict)
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

    def filled(self, path: str | None) -> list[str]:
        """Places, below the cohort's folder, of the files that a folder of the study is to hold."""
        if path is None or not self.folder:
            return []
        place = os.path.relpath(path, self.folder)
        return [remote.path for remote in self.below(place)]

    def sources(self, path: str | None) -> list[str]:
        """Places, below the cohort's folder, of what a file is made of; none if it is not made."""
        return [] if path is None else list(self.derived.get(os.path.normpath(path), []))

    def content(self, path: str) -> str | None:
        """What a file holds, by its source's list; None if that has no such.

        It is its md5, or where no list says that, its address.
        """
        remote = self.remote(path)
        if remote is None:
            return None
        return f"md5:{remote.md5}" if remote.md5 else f"url:{remote.url}"

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
    derived = {
        os.path.normpath(folder / step["to"]): list(step["from"]) for step in read_derived(folder)
    }
    return Coming(str(folder), remotes, derived, block["keep_slides"])
