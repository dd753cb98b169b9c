"""Gene sets in GMT files: one line a set, tab-separated: name, description, genes."""

import gzip
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from histoniche.errors import InputError
from histoniche.tables import read_table

Signatures = Mapping[str, frozenset[str]]

_ACCESSION = re.compile(r"[A-Z]+:\d+")


def read_gmt(path: Path) -> dict[str, frozenset[str]]:
    """Read gene sets.

    Parameters
    ----------
    path
        GMT file, also `.gz`. Blank lines are passed over.

    Returns
    -------
    Genes by term. A term is the set's name; where that is an accession such as
    GO:0000001, it is the description with the accession behind it.

    Raises
    ------
    InputError
        If the file is not text, a line has fewer than three cells or no gene,
        or a name stands twice.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend enrichment.gene_sets")
    sets: dict[str, frozenset[str]] = {}
    for row, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        name, *rest = (cell.strip() for cell in line.rstrip("\r\n").split("\t"))
        # gene,weight is how Enrichr writes its libraries.
        genes = frozenset(cell.partition(",")[0] for cell in rest[1:] if cell)
        if not name or not genes:
            raise InputError(
                "not a line of a GMT file",
                file=path,
                row=row,
                value=line.strip()[:60],
                remedy="write name, description and genes, separated by tabs",
            )
        term = f"{rest[0]} ({name})" if _ACCESSION.fullmatch(name) and rest[0] else name
        if term in sets:
            raise InputError("set stands twice", file=path, row=row, value=term, remedy="drop one")
        sets[term] = genes
    if not sets:
        raise InputError("no gene set in the file", file=path, remedy="give a GMT file")
    return sets


def read_signatures(path: Path) -> dict[str, frozenset[str]]:
    """Genes by signature from a GMT, or from a Parquet table of signature and gene.

    Such a table may be empty: no signature is a finding. A GMT may not.
    """
    if path.suffix != ".parquet":
        return read_gmt(path)
    rows = read_table(path).groupby("signature", sort=False)["gene"]
    return {str(name): frozenset(genes) for name, genes in rows}


def as_gmt(sets: Mapping[str, tuple[str, Sequence[str]]]) -> str:
    """Text of a GMT file, from description and genes by name."""
    lines = ("\t".join((name, text, *genes)) for name, (text, genes) in sets.items())
    return "".join(f"{line}\n" for line in lines)


def _lines(path: Path) -> list[str]:
    """Lines of a text file, gzipped or not."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig") as stream:
            return stream.readlines()
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise InputError("not readable as text", file=path, remedy="save it as GMT") from error
