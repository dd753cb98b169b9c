"""Gene sets in GMT files: one line a set, tab-separated: name, description, genes."""

import gzip
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from histoniche.errors import InputError
from histoniche.omics.gene_names import id_system
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
        raise InputError("no such file", file=path, remedy="mend its path in the config")
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


def tested_genes(correlation: Path) -> set[str]:
    """Genes with a correlation in some region: the background of every test of gene sets."""
    table = read_table(correlation)
    return set(table.loc[table["p"].notna(), "gene"])


def admissible_sets(
    path: Path,
    background: Collection[str],
    *,
    min_size: int,
    max_size: int,
    block: str = "enrichment",
) -> dict[str, frozenset[str]]:
    """Gene sets of a file, reduced to the background and to those of admissible size.

    Parameters
    ----------
    path
        GMT file, see `read_gmt`.
    background
        The tested genes.
    min_size, max_size
        Fewest and most tested genes of a set.
    block
        Name of the config's block in which the sizes stand, for errors.

    Raises
    ------
    InputError
        If the file knows none of the genes, or no set is of admissible size.
    """
    genes = set(background)
    everything = read_gmt(path)
    sets = {term: members & genes for term, members in everything.items()}
    if not any(sets.values()):
        raise InputError(
            _no_gene_in_common(genes, set().union(*everything.values())),
            file=path,
            remedy="name genes alike in expression and gene sets: symbols in both, or ids in both",
        )
    kept = {term: found for term, found in sets.items() if min_size <= len(found) <= max_size}
    if not kept:
        largest = max(map(len, sets.values()))
        raise InputError(
            f"no set has {min_size} to {max_size} tested genes, the largest has {largest}",
            file=path,
            remedy=f"change {block}.min_size or {block}.max_size",
        )
    logging.info("%s: %d of %d sets are of admissible size", path.name, len(kept), len(sets))
    return kept


def _no_gene_in_common(tested: Collection[str], members: Collection[str]) -> str:
    """What both sides look like, with an example or three of each."""
    ours, theirs = (
        f"{id_system(genes)} such as {', '.join(sorted(genes)[:3])}" for genes in (tested, members)
    )
    return f"knows none of the tested genes: the expression has {ours}; the gene sets have {theirs}"


def _lines(path: Path) -> list[str]:
    """Lines of a text file, gzipped or not."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig") as stream:
            return stream.readlines()
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise InputError("not readable as text", file=path, remedy="save it as GMT") from error
