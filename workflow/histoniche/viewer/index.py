"""The index: every slide, patient, figure and table of a run, by name; nothing else is shown.

What an address names is looked up here and nowhere else: no part of an address becomes a path.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow.parquet

from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.slides.inspected import Inspected
from histoniche.slides.ngff import FAULTS, open_multiscale
from histoniche.slides.readers.slide import allowed_properties
from histoniche.tables import read_table
from histoniche.viewer.cache import Cache
from histoniche.viewer.links import linked_places
from histoniche.viewer.sources import SlideFile, Sources

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# Stages whose folders hold tables beside what they hold of each slide.
_TABLES = (
    "*/*.parquet",
    "traits/*/*.parquet",
    "survival/clinical/*/*.parquet",
    "imaging/*/*.parquet",
)
_REPORT = "summary.html"


class RegionColour(NamedTuple):
    """A region as region maps name and colour it."""

    region: str
    name: str
    colour: str


class Index:
    """What a results folder holds, read once.

    Parameters
    ----------
    results
        Results of a run.
    sources
        Where the slides lie; none by default.

    Raises
    ------
    InputError
        If the folder holds no results, or an id in its tables is none.
    """

    def __init__(self, results: Path, sources: Sources | None = None) -> None:
        self.root = results.resolve()
        self._sources = sources or Sources("HistoNiche study", {})
        self.title = self._sources.title
        patients = self.path("cohort/patients.parquet")
        if patients is None:
            raise InputError(
                "no results of a run: cohort/patients.parquet is missing",
                file=results,
                remedy="name the folder that the configuration's key results names",
            )
        self.patients = _by_id(read_table(patients), "patient", patients)
        quality = self.path("slides/quality.parquet")
        none = pd.DataFrame(columns=["slide", "patient", "status", "reason"])
        table = none if quality is None else read_table(quality)
        self.slides = _by_id(table, "slide", quality or patients)
        self._facts: Cache[str, Mapping[str, Any]] = Cache(4096)
        self.figures = dict(self._find_figures())
        self.tables = dict(self._find_tables())

    def path(self, place: str) -> Path | None:
        """A file or folder of the results; None if it is absent or a link leads out of them."""
        path = self.root / place
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        return path if real.is_relative_to(self.root) else None

    def table(self, name: str) -> pd.DataFrame | None:
        """A table by its name, such as "areas/slides"; None if the run left none."""
        path = self.tables.get(name)
        return None if path is None else read_table(path)

    def shape(self, name: str) -> tuple[int, int] | None:
        """Rows and columns of a table, of which nothing else is read; None if there is none."""
        path = self.tables.get(name)
        if path is None:
            return None
        stated = pyarrow.parquet.read_metadata(path)
        return int(stated.num_rows), int(stated.num_columns)

    def rows(self, name: str, **wanted: str) -> list[dict[str, Any]]:
        """Rows of a table whose columns have these values; none if there is no such table."""
        table = self.table(name)
        if table is None or not set(wanted) <= set(table.columns):
            return []
        for column, value in wanted.items():
            table = table[table[column] == value]
        return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]

    def file(self, slide: str) -> SlideFile | None:
        """Where a slide lies; None if that is not known or it could not be read in the run."""
        facts = self.facts(slide)
        return self._sources.files.get(slide) if facts.get("readable") else None

    def knows_files(self) -> bool:
        """Whether it is known where slides lie."""
        return bool(self._sources.files)

    def facts(self, slide: str) -> Mapping[str, Any]:
        """What the inspection found of a slide; of the file's properties only those allowed."""
        return self._facts.get_or_make(slide, lambda: self._read_facts(slide))

    def thumbnail(self, slide: str) -> Path | None:
        """Picture of a slide, or of the reason why there is none."""
        return self._inspected(slide, "thumbnail")

    def outline(self, slide: str) -> Path | None:
        """Outline of a slide's tissue as GeoJSON."""
        return self._inspected(slide, "contour")

    def of_slide(self, slide: str, place: str) -> Path | None:
        """What a stage left of a slide, such as "regions/{slide}/map.ome.zarr"."""
        return self.path(place.format(slide=slide)) if slide in self.slides.index else None

    def slides_of(self, patient: str) -> list[str]:
        """Slides of a patient, in order."""
        return [str(slide) for slide in self.slides.index[self.slides["patient"] == patient]]

    @cached_property
    def palette(self) -> list[RegionColour]:
        """Regions as the first region map that is there names them; none if there is no map."""
        for slide in self.slides.index:
            path = self.of_slide(str(slide), "regions/{slide}/map.ome.zarr")
            found = None if path is None else region_colours(path)
            if found:
                return list(found.values())[1:]
        return []

    @property
    def report(self) -> Path | None:
        """The summary page that the run wrote."""
        return self.path(_REPORT)

    @cached_property
    def linked(self) -> dict[str, Path]:
        """Files of the run by the places that the summary page gives them."""
        page = self.report
        places = [] if page is None else linked_places(page.read_text(encoding="utf-8"))
        found = {place: self.path(place) for place in places}
        return {place: path for place, path in found.items() if path is not None}

    def _inspected(self, slide: str, name: str) -> Path | None:
        """A file that the inspection of a slide left."""
        place = getattr(Inspected.beneath(Path("slides/{slide}")), name)
        return self.of_slide(slide, str(place))

    def _read_facts(self, slide: str) -> Mapping[str, Any]:
        """What the inspection found of a slide; empty if it left nothing."""
        path = self._inspected(slide, "report")
        if path is None:
            return {}
        facts = dict(read_json(path))
        # Once more, whoever wrote the file.
        facts["properties"] = allowed_properties(facts.get("properties", {}))
        return facts

    def _find_figures(self) -> Iterator[tuple[str, Path]]:
        """Figures by their names."""
        for path in sorted((self.root / "figures").glob("*.svg")):
            if _NAME.fullmatch(path.stem) and self.path(f"figures/{path.name}"):
                yield path.stem, path

    def _find_tables(self) -> Iterator[tuple[str, Path]]:
        """Tables by their places without ending."""
        for pattern in _TABLES:
            for path in sorted(self.root.glob(pattern)):
                place = path.relative_to(self.root).with_suffix("")
                fits = all(_NAME.fullmatch(part) for part in place.parts)
                if fits and self.path(str(path.relative_to(self.root))):
                    yield place.as_posix(), path


def region_colours(path: Path) -> dict[int, RegionColour]:
    """Regions of a region map by their labels; empty if it has none, as of a skipped slide."""
    try:
        _, group = open_multiscale(path)
        stated = dict(group.attrs)["ome"]["image-label"]
        colours = {entry["label-value"]: entry["rgba"] for entry in stated["colors"]}
        return {
            int(entry["label-value"]): RegionColour(
                str(entry["region"]),
                str(entry["name"]),
                "#{:02X}{:02X}{:02X}".format(*colours[entry["label-value"]][:3]),
            )
            for entry in stated["properties"]
        }
    except FAULTS:
        return {}


def _by_id(table: pd.DataFrame, column: str, file: Path) -> pd.DataFrame:
    """A table by its ids, each of which is one."""
    for value in table[column]:
        if not isinstance(value, str) or not ID.fullmatch(value) or ".." in value:
            raise InputError(
                "not an id: 1 to 64 letters, digits, dots, underscores and hyphens are wanted",
                file=file,
                column=column,
                value=value,
                remedy="run the workflow again, whose sheets are checked",
            )
    return table.set_index(column, drop=False)
