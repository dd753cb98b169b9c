"""Markers of cell types: reading them, and telling which sets are of one type."""

import csv
import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.gene_sets import read_gmt

_ID = re.compile(r"CL[:_](\d{7})(?!\d)")
_ID_AND_SIGNS = re.compile(r"[\s_|,;/(\[-]*CL[:_]\d{7}(?!\d)[\s_|,;/)\]-]*")
_PANGLAODB = {"official gene symbol": "gene", "cell type": "cell_type"}
_NEEDED = ("cell_type", "gene")


class MarkerSet(NamedTuple):
    """Markers of a cell type from one study, library or list."""

    cell_type: str
    ontology_id: str
    """As CL:0000129; empty where unknown."""
    genes: Mapping[str, float]
    """Place of each gene among the markers, 1 the strongest; NaN where they have no order."""


class CellOntology(NamedTuple):
    """Terms of the Cell Ontology."""

    names: Mapping[str, str]
    ids: Mapping[str, str]
    """Id by plain name, see `plain_name`; exact synonyms are among them."""


def read_markers(path: Path) -> list[MarkerSet]:
    """Read markers of cell types.

    Parameters
    ----------
    path
        - a GMT file, `.gmt` or `.gmt.gz`: a line a marker set, called by its
          cell type, with the Cell Ontology id in the name or the description
          where there is one; or
        - a table, TSV or CSV, also `.gz`, with the columns cell_type, gene,
          and optional ontology_id, marker_set (study or list: a cell type has
          a set in each) and rank (1 for the strongest marker of the set); or
        - PanglaoDB's table of markers, of which the human rows are read.

    Raises
    ------
    InputError
        If the file is none of these, a cell is empty or no id or rank, or a
        cell type has two ids.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend cell_types.markers")
    if path.name.removesuffix(".gz").endswith(".gmt"):
        return _read_gmt(path)
    return _read_table(path)


def read_cell_ontology(path: Path) -> CellOntology:
    """Read names, exact synonyms and ids of the Cell Ontology's OBO file, obsolete terms left out.

    Raises
    ------
    InputError
        If the file is missing, no text, or holds no term of the Cell Ontology.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend cell_types.ontology")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError("not readable as text", file=path, remedy="give an OBO file") from error
    names: dict[str, str] = {}
    synonyms: dict[str, str] = {}
    for stanza in f"\n{text}".split("\n[")[1:]:
        found = re.search(r"^id: (CL:\d{7})$\n(?:.*\n)*?^name: (.+)$", stanza, re.MULTILINE)
        if found and stanza.startswith("Term]") and "\nis_obsolete: true" not in stanza:
            names[found[1]] = found[2].strip()
            for synonym in re.findall(r'^synonym: "(.+)" EXACT', stanza, re.MULTILINE):
                synonyms.setdefault(plain_name(synonym), found[1])
    if not names:
        remedy = "give cl.obo or one of its subsets in OBO format"
        raise InputError("no term of the Cell Ontology", file=path, remedy=remedy)
    return CellOntology(
        names, synonyms | {plain_name(name): accession for accession, name in names.items()}
    )


def plain_name(name: str) -> str:
    """Name of a cell type without case, signs and the last word's plural: "T-cells" is "t cell"."""
    words = re.findall(r"[^\W_]+\+?", name.casefold())
    if words and words[-1].endswith("s") and not words[-1].endswith("ss"):
        words[-1] = words[-1][:-1]
    return " ".join(words)


def unify(
    sets: Sequence[MarkerSet], ontology: CellOntology | None
) -> dict[tuple[str, str], list[MarkerSet]]:
    """Marker sets by the name and id of their cell type.

    Sets are of one type if they have one id, or one plain name. A set without
    an id gets that of a set of the same name, or that of the ontology's term
    or exact synonym of the same name. The ontology's name comes first, then
    that of the first set.
    """
    known = dict(ontology.ids) if ontology else {}
    known |= {plain_name(each.cell_type): each.ontology_id for each in sets if each.ontology_id}
    types: dict[str, list[MarkerSet]] = {}
    for each in sets:
        plain = plain_name(each.cell_type)
        accession = each.ontology_id or known.get(plain, "")
        types.setdefault(accession or plain, []).append(each._replace(ontology_id=accession))
    names = ontology.names if ontology else {}
    return {
        (names.get(key, found[0].cell_type), found[0].ontology_id): found
        for key, found in types.items()
    }


def _read_gmt(path: Path) -> list[MarkerSet]:
    """Marker sets of a GMT file, whose genes have no order."""
    sets = read_gmt(path)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig") as stream:
        heads = [line.split("\t")[:2] for line in stream if line.strip()]
    described = {name.strip(): description for name, description in heads}
    found = []
    for term, genes in sets.items():
        match = _ID.search(term) or _ID.search(described.get(term, ""))
        name = _ID_AND_SIGNS.sub(" ", term).strip() or term
        accession = f"CL:{match[1]}" if match else ""
        found.append(MarkerSet(name, accession, dict.fromkeys(sorted(genes), float("nan"))))
    return found


def _read_table(path: Path) -> list[MarkerSet]:
    """Marker sets of a table; PanglaoDB's columns get the names of ours."""
    table = _read_cells(path)
    if set(_PANGLAODB) <= set(table.columns):
        table = table.rename(columns=_PANGLAODB)
        if "species" in table:
            table = table[table["species"].str.split().map(lambda names: "Hs" in names)]
    missing = next((name for name in _NEEDED if name not in table), None)
    if missing:
        raise InputError(
            "no such column, and no table of PanglaoDB",
            file=path,
            column=missing,
            remedy="head the columns cell_type and gene, or give a file that ends in .gmt",
        )
    for column in ("ontology_id", "marker_set", "rank"):
        if column not in table:
            table = table.assign(**{column: ""})
    sets: dict[tuple[str, str], dict[str, float]] = {}
    ids: dict[str, str] = {}
    for row, cells in _rows(table, path):
        kind = cells["cell_type"]
        accession = cells["ontology_id"].replace("_", ":")
        if accession and ids.setdefault(kind, accession) != accession:
            remedy = f"it had {ids[kind]} above: give a cell type one id"
            raise InputError(
                "two ids", file=path, row=row, column="ontology_id", value=accession, remedy=remedy
            )
        place = float(cells["rank"] or "nan")
        sets.setdefault((kind, cells["marker_set"]), {}).setdefault(cells["gene"], place)
    return [MarkerSet(kind, ids.get(kind, ""), genes) for (kind, _), genes in sets.items()]


def _read_cells(path: Path) -> pd.DataFrame:
    """Cells of a table as text without spaces around; the index is the row in the file."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            separator = max("\t,", key=stream.readline().count)
            stream.seek(0)
            rows = list(csv.reader(stream, delimiter=separator))
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
        remedy = "save it as UTF-8 TSV or CSV"
        raise InputError("not readable as text", file=path, remedy=remedy) from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise InputError("two columns of one name", file=path, column=twice, remedy="drop one")
    for row, cells in enumerate(rows[1:], start=2):
        if cells and len(cells) != len(header):
            raise InputError(
                f"{len(cells)} cells under {len(header)} columns",
                file=path,
                row=row,
                remedy="give every row one cell a column",
            )
    kept = {row: cells for row, cells in enumerate(rows[1:], start=2) if cells}
    if not kept:
        raise InputError("no marker in the file", file=path, remedy="give a table or a GMT file")
    table = pd.DataFrame.from_dict(kept, orient="index", columns=header, dtype=object)
    return table.apply(lambda column: column.str.strip())


def _rows(table: pd.DataFrame, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Row number and cells of each row, each checked."""
    for row, cells in table.to_dict(orient="index").items():
        for column, fits, remedy in (
            ("cell_type", cells["cell_type"], "name the cell type"),
            ("gene", cells["gene"], "name the gene"),
            (
                "ontology_id",
                not cells["ontology_id"] or _ID.fullmatch(cells["ontology_id"]),
                "write an id such as CL:0000129, or leave the cell empty",
            ),
            (
                "rank",
                not cells["rank"] or re.fullmatch(r"0*[1-9]\d{0,8}", cells["rank"]),
                "write 1 for the strongest marker of the set, then 2, 3, ...",
            ),
        ):
            if not fits:
                raise InputError(
                    "does not fit",
                    file=path,
                    row=cast(int, row),
                    column=column,
                    value=cells[column],
                    remedy=remedy,
                )
        yield cast(int, row), cast(dict[str, str], cells)
