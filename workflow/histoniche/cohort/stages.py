"""Stages that work slide by slide: where their results lie, and which slides share their jobs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """A stage whose jobs each work on a batch of slides; see `histoniche.manifests`."""

    folder: str
    """Where its results lie, as the workflow names it: "<results>/tiles/region"."""
    batches: Mapping[str, Sequence[str]]
    """Slides by the name of their batch."""
    results: Sequence[str]
    """Files that each slide leaves there: "{slide}.zarr/zarr.json"."""
    records: str = ".batches"
    """Folder of its manifests in its own; those of stages that share a folder differ."""

    @property
    def manifest(self) -> str:
        """What the job of a batch declares, with a wildcard for the batch."""
        return f"{self.folder}/{self.records}/{{batch}}.json"

    @cached_property
    def _batch_of(self) -> dict[str, str]:
        """Name of each slide's batch."""
        return {slide: name for name, slides in self.batches.items() for slide in slides}

    def manifests(self, slides: Iterable[str] | None = None) -> list[str]:
        """Manifests of the batches that hold some slides, or of all; none if nothing is done."""
        if slides is None or not self.batches:
            names = list(self.batches)
        else:
            names = list(dict.fromkeys(self._batch_of[slide] for slide in slides))
        return [self.manifest.format(batch=name) for name in names]

    def lost(self, results: str) -> list[str]:
        """Manifests that name slides whose results somebody deleted.

        Parameters
        ----------
        results
            The results folder, for `<results>`.
        """
        stage = Path(self.folder.replace("<results>", results))
        there = stage / self.records
        return [
            str(manifest)
            for name, slides in self.batches.items()
            if (manifest := there / f"{name}.json").is_file()
            and not all((stage / place).exists() for place in self._places(slides))
        ]

    def _places(self, slides: Iterable[str]) -> Iterable[str]:
        """Files of some slides."""
        return (name.format(slide=slide) for slide in slides for name in self.results)
