"""Systems that genes are named in."""

from pathlib import Path

import pytest

from histoniche.errors import InputError
from histoniche.omics.gene_names import id_system, require_shared


@pytest.mark.parametrize(
    ("genes", "system"),
    [
        (["TP53", "EGFR", "HLA-A", "C1orf112"], "symbols of human"),
        (["Trp53", "Egfr", "Gfap", "H2-K1"], "symbols of mouse"),
        (["ENSG00000141510", "ENSG00000146648.17"], "Ensembl ids of human"),
        (["ENSMUSG00000059552"], "Ensembl ids of mouse"),
        (["7157", "1956"], "Entrez ids"),
        (["gene one", "x_y", "TP53"], "names of no known kind"),
        ([], "names of no known kind"),
    ],
)
def test_system_is_told_from_most_names(genes: list[str], system: str) -> None:
    assert id_system(genes) == system


def test_shared_genes_are_returned() -> None:
    assert require_shared(["A", "B"], ["B", "C"], what="pairs") == {"B"}


def test_nothing_shared_says_what_each_side_looks_like() -> None:
    with pytest.raises(
        InputError,
        match=r"s\.gmt: no gene of the signatures.*hold symbols of human \(EGFR, TP53\), the cells"
        r" Ensembl ids of human \(ENSG00000141510\).*gene_column",
    ):
        require_shared(["TP53", "EGFR"], ["ENSG00000141510"], what="signatures", file=Path("s.gmt"))
