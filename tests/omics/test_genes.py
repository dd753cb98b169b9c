"""Names of genes."""

import numpy as np
import pandas as pd
import pytest

from histoniche.omics.genes import is_par_y, keep_highest, name_genes


def series(*values: str) -> "pd.Series[str]":
    return pd.Series(values, pd.RangeIndex(2, len(values) + 2), dtype=object)


def test_versions_of_ensembl_ids_go_and_other_names_with_dots_stay() -> None:
    ids = series("ENSG00000141510.18", "ENSMUSG00000059552.14", "RP11-34P13.7", "AC000111.3")
    names, taken = name_genes(ids, None)
    assert list(names) == ["ENSG00000141510", "ENSMUSG00000059552", "RP11-34P13.7", "AC000111.3"]
    assert {d.item: d.count for d in taken} == {
        "versions of Ensembl ids dropped": 2,
        "rows named by their Ensembl id": 2,
    }


def test_symbols_name_rows_and_the_id_stands_in_where_there_is_none() -> None:
    names, taken = name_genes(series("ENSG00000141510.18", "ENSG00000000001.1"), series("TP53", ""))
    assert list(names) == ["TP53", "ENSG00000000001"]
    assert {d.item: d.count for d in taken}["rows named by their symbol"] == 1


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("ENSG00000002586.20_PAR_Y", True),
        ("ENSGR0000002586.13", True),
        ("ENSG00000002586.20", False),
        ("CD99", False),
    ],
)
def test_copies_on_y_are_known_by_either_spelling(name: str, truth: bool) -> None:
    assert is_par_y(series(name)).tolist() == [truth]


def test_row_that_is_kept_is_the_one_a_plain_loop_finds() -> None:
    rng = np.random.default_rng(0)
    names = series(*rng.choice([f"G{k}" for k in range(40)], 200))
    values = pd.DataFrame(rng.integers(0, 4, (200, 5)).astype(float), names.index)
    best, _ = keep_highest(values, names, names)
    for gene in names.unique():
        winner = None
        for row in names.index[names == gene]:
            if winner is None or values.loc[row].mean() > values.loc[winner].mean():
                winner = row
        assert best.loc[gene].tolist() == values.loc[winner].tolist()
    assert best.index.is_monotonic_increasing


def test_every_duplicated_name_is_listed_with_what_was_kept_and_dropped() -> None:
    values = pd.DataFrame([[1, 1], [9, 0], [7, 7]], pd.RangeIndex(2, 5), dtype=float)
    ids = series("ENSG00000000001.1", "ENSG00000000002.1", "ENSG00000000003.1")
    _, taken = keep_highest(values, series("A", "A", "B"), ids)
    assert [d.item for d in taken] == ["duplicate rows dropped", "A"]
    detail = "kept ENSG00000000002.1, mean 4.5; dropped ENSG00000000001.1"
    assert (taken[1].step, taken[1].count, taken[1].detail) == ("duplicates", 2, detail)
    _, taken = keep_highest(values, series("A", "A", "B"), series("A", "A", "B"))
    assert taken[1].detail == "kept row 3, mean 4.5; dropped row 2"


def test_where_nothing_is_duplicated_nothing_is_listed() -> None:
    values = pd.DataFrame([[1.0], [2.0]], pd.RangeIndex(2, 4))
    _, taken = keep_highest(values, series("A", "B"), series("A", "B"))
    assert [(d.item, d.count) for d in taken] == [("duplicate rows dropped", 0)]
