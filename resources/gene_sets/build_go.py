"""Build the shipped library of GO biological processes from Bioconductor's annotation.

    python3 resources/gene_sets/build_go.py org.Hs.eg.sqlite GO.sqlite go_biological_process.gmt.gz

The two databases lie in `extdata` of the R packages org.Hs.eg.db and GO.db (on Debian:
r-bioc-org.hs.eg.db and r-bioc-go.db). Only Python's standard library is needed.
"""

import argparse
import gzip
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

SMALLEST, LARGEST = 5, 500
"""Sizes of the sets that are kept."""

# go_bp_all holds each gene at the terms it is annotated with and at all of their ancestors;
# annotations that say NOT are in neither table.
_MEMBERS = "SELECT DISTINCT go_id, symbol FROM go_bp_all JOIN gene_info USING (_id)"
_TERMS = "SELECT go_id, term FROM go_term WHERE ontology = 'BP'"


def read_members(annotation: Path) -> dict[str, set[str]]:
    """Symbols of the genes of every biological process, those of its descendants included."""
    members: dict[str, set[str]] = {}
    with closing(_connect(annotation)) as database:
        for accession, symbol in database.execute(_MEMBERS):
            members.setdefault(accession, set()).add(symbol)
    return members


def read_terms(ontology: Path) -> dict[str, str]:
    """Names of the biological processes by accession; obsolete ones are not among them."""
    with closing(_connect(ontology)) as database:
        return dict(database.execute(_TERMS).fetchall())


def write_gmt(members: Mapping[str, set[str]], terms: Mapping[str, str], path: Path) -> int:
    """Write the sets of fitting size, by accession; the same sets give the same bytes."""
    lines = [
        "\t".join((accession, terms[accession], *sorted(genes)))
        for accession, genes in sorted(members.items())
        if accession in terms and SMALLEST <= len(genes) <= LARGEST
    ]
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    return len(lines)


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database for reading; one that is not there is an error, not an empty one."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annotation", type=Path, help="org.Hs.eg.sqlite")
    parser.add_argument("ontology", type=Path, help="GO.sqlite")
    parser.add_argument("gmt", type=Path, help="written, ends in .gmt.gz")
    given = parser.parse_args()
    kept = write_gmt(read_members(given.annotation), read_terms(given.ontology), given.gmt)
    print(f"{kept} sets of {SMALLEST} to {LARGEST} genes in {given.gmt}")
