"""Checks the numbers of a summary page against the tables that it was made from.

The page is read by a parser of HTML, and every row of its tables is looked for in the tables of
the run, whose columns are named here anew: a section that formats another column is found out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from page_frames import Run
from page_sources import EXEMPT, SOURCES

_NUMBER = re.compile(
    r"(?<![\w.])([−-]?)(∞|\d[\d,]*(?:\.\d+)?(?:e[−-]?\d+)?)|(not reached)|([–?])(?![\w])"
)


@dataclass
class Shown:
    """One table of the page: its title, heads (with whether of numbers), rows, and figure."""

    title: str = ""
    heads: list[tuple[str, bool]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    figure: str = ""


class Reader(HTMLParser):
    """Collects the tables and tiles of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[Shown] = []
        self.tiles: dict[str, str] = {}
        self._into: list[str] | None = None
        self._label = self._figure = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "figure":
            self._figure = ""
        elif tag == "a" and re.fullmatch(r"figures/.+\.tsv", given.get("href") or ""):
            self._figure = given["href"]
        elif tag == "table":
            self.tables.append(Shown(figure=self._figure))
        elif tag == "tr":
            self.tables[-1].rows.append([])
        elif tag in ("caption", "th", "td", "dt", "strong", "small"):
            self._into = []
            self._number = given.get("class") == "number"

    def handle_endtag(self, tag: str) -> None:
        if tag == "figure":
            self._figure = ""
        if tag == "dl":
            self._label = ""
        if self._into is None or tag not in ("caption", "th", "td", "dt", "strong", "small"):
            return
        text = "".join(self._into)
        if tag == "caption":
            self.tables[-1].title = text
        elif tag == "th":
            self.tables[-1].heads.append((text, self._number))
        elif tag == "td":
            self.tables[-1].rows[-1].append(text)
        elif tag == "dt":
            self._label = text
            self.tiles[text] = ""
        elif self._label:
            self.tiles[self._label] += f"{text} "
        self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)


def check_numbers(text: str, run: Run) -> int:
    """Fail unless every table and tile of the page says what the tables of the run say.

    Returns
    -------
    Number of cells that were compared.
    """
    page = Reader(text)
    cells = 0
    for shown in page.tables:
        shown.rows = [row for row in shown.rows if row]
        if shown.figure and shown.title.startswith("Table of the figure"):
            cells += _check_figure(shown, run)
        elif not any(re.fullmatch(title, shown.title) for title in EXEMPT):
            cells += _check_table(shown, run)
    expected = tiles_of(run)
    for label, words in page.tiles.items():
        assert label in expected, f"no expectation for the tile {label!r}"
        numbers = list(expected[label])
        assert _told(words, numbers), f"tile {label}: {words!r} is not {numbers}"
        cells += 1
    return cells


def _check_figure(shown: Shown, run: Run) -> int:
    """A figure's table, cell by cell as in its file."""
    full = pd.read_csv(run.figures / Path(shown.figure).name, sep="\t", dtype=str,
                       keep_default_na=False)  # fmt: skip
    expected = full.replace({"": "–", "NA": "–"})
    assert [name for name, _ in shown.heads] == list(full.columns), shown.figure
    assert shown.rows == expected.to_numpy().tolist(), shown.figure
    return full.size


def _check_table(shown: Shown, run: Run) -> int:
    """A table of a section: every row is one of its source, every number column is compared."""
    first = shown.heads[0][0]
    sources = [
        source
        for source in SOURCES
        if re.fullmatch(source.title, shown.title) and first in (source.first, *source.others)
    ]
    assert sources, f"no source is named for the table {shown.title!r} that begins with {first!r}"
    source = sources[0]
    plan = _plan(shown, source.columns)
    rows = source.frame(run).to_dict("records")
    assert rows or not shown.rows, f"{shown.title}: its source is empty"
    for cells in shown.rows:
        found = any(
            all(_same(cells[place], how, row) for place, how in plan.items()) for row in rows
        )
        assert found, f"{shown.title}: no row of its source says {cells}"
    return len(plan) * len(shown.rows)


def _plan(shown: Shown, columns: Sequence[str]) -> dict[int, str]:
    """How each column of the page is compared, by its place."""
    left, plan = list(columns), {}
    for place, (head, number) in enumerate(shown.heads):
        spec = next((one for one in left if _named(one, head)), None)
        assert spec is not None, f"{shown.title}: the column {head!r} is not compared"
        left = left[left.index(spec) + 1 :]
        how = re.search(r"(=\??|~|!)(.*)$", spec)[0]
        assert not number or how.startswith("="), f"{shown.title}: numbers of {head!r}"
        if how != "!":
            plan[place] = how
    return plan


def _named(spec: str, head: str) -> bool:
    """Whether a head is that of a column: the same, or with its level or unit in brackets."""
    name = re.split(r"=\??|~|!", spec)[0]
    return head == name or (name.endswith("*") and head.startswith(name[:-1]))


def _same(cell: str, how: str, row: Mapping[str, Any]) -> bool:
    """Whether a cell says what its columns hold."""
    if how.startswith("~"):
        value = row[how[1:]]
        return all(_within(part, cell) for part in (value if isinstance(value, list) else [value]))
    if how.startswith("=?") and cell == "":
        return True
    values: list[float] = []
    for name in how.removeprefix("=").removeprefix("?").split(","):
        value = row[name.lstrip("%-")]
        factor = (100 if "%" in name else 1) * (-1 if "-" in name else 1)
        several = value if isinstance(value, list | tuple | np.ndarray) else [value]
        values += [factor * (np.nan if pd.isna(one) else float(one)) for one in several]
    return _told(cell, values)


def _within(value: Any, cell: str) -> bool:
    """Whether a text stands in a cell, whatever its case and underscores."""
    text = "" if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)
    plain = [re.sub(r"[\s_]+", " ", one).lower() for one in (text, cell)]
    return plain[0] in plain[1]


def _told(cell: str, values: Sequence[float]) -> bool:
    """Whether the numbers of a cell are these, as far as its digits go.

    Of a number that is not known, and of an interval whose ends are not, there may be a dash or
    nothing.
    """
    told = [_read(found) for found in _NUMBER.finditer(re.sub(r"< (?=1e-300)", "", cell))]
    numbers = [value for value, _ in told]
    if np.isnan(values[0]) and numbers in ([], [None]):
        return True
    if not np.isfinite(values[0]) and numbers == [float("inf")]:
        return True
    known = list(values)
    if len(told) < len(known) and all(not np.isfinite(end) for end in known[len(told) :]):
        known = known[: len(told)]
    return len(told) == len(known) and all(
        _close(value, half, true) for (value, half), true in zip(told, known, strict=True)
    )


def _read(found: "re.Match[str]") -> tuple[float | None, float]:
    """A number as it is written, and half of its last digit; None for a dash."""
    sign, digits, never, _ = found.groups()
    if never:
        return float("inf"), 0.0
    if digits is None:
        return None, 0.0
    factor = -1 if sign else 1
    if digits == "∞":
        return factor * float("inf"), 0.0
    mantissa, _, exponent = digits.replace(",", "").replace("−", "-").partition("e")
    power = 10.0 ** int(exponent or 0)
    decimals = len(mantissa.partition(".")[2])
    return factor * float(mantissa) * power, 0.5 * 10.0**-decimals * power


def _close(told: float | None, half: float, true: float) -> bool:
    """Whether a number as written may stand for the true one."""
    if told is None:
        return bool(np.isnan(true))
    if np.isinf(told):
        return not np.isfinite(true)
    return abs(told - true) <= half * (1 + 1e-9) + 1e-12 * abs(true)


def run_of(files: Mapping[str, Any], settings: Mapping[str, Any], figures: Path) -> Run:
    """The tables of a run by the names that the page knows."""

    def table(name: str) -> pd.DataFrame:
        return pd.read_parquet(files[name])

    lists = [[Path(path) for path in files.get(name, [])] for name in ("clinical", "trait_chains")]
    return Run(table, set(files), settings, figures, *lists)


_SCORES = {"imaging": "dls", "slide_signature": "slide_signature"}
"""Names of learned risks, where the configuration gives them no other."""


def tiles_of(run: Run) -> dict[str, Sequence[float]]:
    """Numbers of the tiles at the top of the page: the number, then those of its note."""
    patients = run.table("patients")
    known = patients[patients["time_days"].notna()]
    died = [len(known), known["event"].astype(float).sum()] if len(known) else []
    found: dict[str, Sequence[float]] = {"patients": [len(patients), *died]}
    if "quality" in run.names:
        status = run.table("quality")["status"].value_counts()
        found["slides used"] = [status.get(k, 0) for k in ("ok", "skipped", "excluded")]
    if "metrics" in run.names and len(run.table("metrics")):
        metrics = run.table("metrics")
        role = next((r for r in ("test", "validation") if r in set(metrics["role"])), "")
        mean = metrics[(metrics["role"] == role) & (metrics["region"] == "mean")].iloc[0]
        found["mean IoU"] = [*mean[["iou", "iou_low", "iou_high", "patients"]]]
    if "sizes" in run.names and len(run.table("sizes")):
        tested, n = run.table("sizes")["tested"].max(), run.table("correlation")["n"].max()
        found["genes tested"] = [tested, n]
    if "cox" in run.names:
        cox = run.table("cox")
        areas = cox[(cox["model"] == "univariable") & (cox["kind"] == "area")]
        found["regions linked to survival"] = [(areas["q"] < 0.05).sum(), len(areas), 0.05]
    if "trait_metrics" in run.names and len(run.table("trait_metrics")):
        found["traits told"] = _traits_told(run)
    for block in ("imaging", "slide_signature"):
        if f"{block}_performance" in run.names:
            table = run.table(f"{block}_performance")
            rows = table[table["fold"].isna() & (table["seen"] == 0)].dropna(subset=["concordance"])
            if len(rows):
                row = rows.sort_values("patients", ascending=False).iloc[0]
                name = run.settings[block].get("score", _SCORES[block])
                found[f"concordance of {name}"] = [*row[["concordance", "low", "high", "patients"]]]
    return found


def _traits_told(run: Run) -> list[float]:
    """How many traits are told, of how many that were measured."""
    table = run.table("trait_metrics")
    own = table[(table["set"] == "test") & (table["level"] == "patient")
                & (table["metric"] == "auroc")].dropna(subset=["value"])  # fmt: skip
    own = own[own["model" if "model" in own else "round"].isin(["ensemble", "out_of_fold"])]
    several = own.groupby("trait")["class"].transform("nunique") > 1
    own = own[~several | (own["class"] == "macro")].drop_duplicates("trait")
    ranked = np.sort(own["p"].to_numpy(dtype=float))
    place = own["p"].rank(method="max").to_numpy(dtype=int)
    size = len(ranked)
    q = [min(size * p / k for k, p in enumerate(ranked, 1) if k >= at) for at in place]
    held = (np.array(q) < 0.05) & (own["low"].to_numpy() > 0.5)
    return [int(held.sum()), size, 0.05]
