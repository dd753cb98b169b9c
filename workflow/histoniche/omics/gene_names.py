"""Systems that genes are named in, told from the names alone."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from histoniche.errors import InputError

# The first that fits names the system.
_SYSTEMS = {
    "Entrez ids": re.compile(r"\d+"),
    "Ensembl gene ids": re.compile(r"ENS[A-Z]*G\d{11}"),
    "Ensembl gene ids with versions": re.compile(r"ENS[A-Z]*G\d{11}\.\d+"),
    "Ensembl transcript or protein ids": re.compile(r"ENS[A-Z]*[TP]\d{11}(?:\.\d+)?"),
    "symbols of human": re.compile(r"[A-Z][A-Z0-9.@-]*|C(?:\d+|X|Y)orf\d+"),
    "symbols of mouse": re.compile(r"[A-Z][a-z0-9.-]+"),
}


def id_system(genes: Collection[str]) -> str:
    """What most of the names look like: `symbols of human`, `Ensembl gene ids with versions` ...

    `names of no known kind` if no system fits more than half.
    """
    system, count = Counter(map(_system, genes)).most_common(1)[0] if genes else ("", 0)
    return system if system and 2 * count > len(genes) else "names of no known kind"


def require_shared(
    wanted: Iterable[str], present: Iterable[str], *, what: str, file: Path | None = None
) -> frozenset[str]:
    """Genes that stand on both sides.

    Parameters
    ----------
    wanted
        Genes of the signatures or pairs.
    present
        Genes of the cells.
    what
        What the wanted genes are, for the error: "signatures", "pairs".
    file
        Where they come from.

    Raises
    ------
    InputError
        If there is none; it says which system of names each side looks like.
    """
    left, right = sorted(set(wanted)), sorted(set(present))
    shared = frozenset(left) & frozenset(right)
    if not shared:
        raise InputError(
            f"no gene of the {what} is among the cells' genes: the {what} hold"
            f" {id_system(left)} ({', '.join(left[:3])}), the cells"
            f" {id_system(right)} ({', '.join(right[:3])})",
            file=file,
            remedy="name genes alike in both; for h5ad and 10x see single_cell.gene_column",
        )
    return shared


def _system(name: str) -> str:
    """System of one name, "" if none fits."""
    return next((system for system, form in _SYSTEMS.items() if form.fullmatch(name)), "")
