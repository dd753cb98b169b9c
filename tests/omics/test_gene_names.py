"""Systems that genes are named in."""

from pathlib import Path

import pytest

from histoniche.errors import InputError
from histoniche.omics.gene_names import id_system, require_shared


@pytest.mark.parametrize(
    ("genes", "system"),
    [
        (["TP53", "EGFR", "HLA-A", "C1orf112", "ENSA", "1060P11.3"], "symbols of human"),
        (["Trp53", "Egfr", "Gfap", "H2-K1"], "symbols of mouse"),
        (["ENSG00000141510", "ENSMUSG00000059552"], "Ensembl gene ids"),
        (["ENSG00000141510.18"], "Ensembl gene ids with versions"),
        (["ENST00000269305", "ENSP00000269305.4"], "Ensembl transcript or protein ids"),
        (["7157", "3105", "TP53"], "Entrez ids"),
        (["gene one", "x_y", "TP53"], "names of no known kind"),
        (["A", "1"], "names of no known kind"),
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
        r" Ensembl gene ids \(ENSG00000141510\).*gene_column",
    ):
        require_shared(["TP53", "EGFR"], ["ENSG00000141510"], what="signatures", file=Path("s.gmt"))
