"""Tables on pages: written, searched, sorted, cut into pages."""

import numpy as np
import pandas as pd
import pytest

from histoniche.viewer.tables import for_spreadsheet, page_of, written


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "gene": ["b", "A", "c", None],
            "rho": [0.12345, np.nan, -3.0, 12.0],
            "held": [True, False, True, False],
            "genes": [["x", "y"], [], ["z"], None],
        }
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [(412.0, "412"), (np.float64(61.0), "61"), (np.int64(3), "3"), (0.000123456, "0.0001235"),
     (None, ""), (float("nan"), ""), (pd.NA, ""), (True, "yes"), (np.bool_(False), "no"),
     (["a", 1.0], "a, 1"), (np.array(["a", "b"]), "a, b"), ("text", "text"), (1e300, "1e+300")],
)  # fmt: skip
def test_cells_are_written_short(value, words):
    assert written(value) == words


def test_rows_are_found_by_any_cell_in_any_case(table):
    assert [row[0] for row in page_of(table, search="a").rows] == ["A"]
    assert page_of(table, search="y").found == 2
    assert page_of(table, search="-3").rows[0][0] == "c"
    assert page_of(table, search="(").found == 0


def test_rows_are_sorted_with_what_is_missing_last(table):
    assert [row[0] for row in page_of(table, sort="gene").rows] == ["A", "b", "c", ""]
    assert [row[0] for row in page_of(table, sort="rho").rows] == ["c", "b", "", "A"]
    down = page_of(table, sort="rho", descending=True)
    assert [row[0] for row in down.rows] == ["", "b", "c", "A"]
    assert page_of(table, sort="no such").sort == ""


def test_pages_have_their_rows_and_end_with_the_table(table):
    first, last = page_of(table, size=3), page_of(table, size=3, number=99)
    assert (len(first.rows), first.pages, first.number) == (3, 2, 1)
    assert (len(last.rows), last.number, last.total) == (1, 2, 4)
    assert page_of(table[:0]).pages == 1


def test_numbers_stay_numbers_in_a_spreadsheet():
    table = pd.DataFrame({"=name": ["-a", "+b", "@c", "d"], "x": [-1.5, 2.0, np.nan, 0.1]})
    lines = for_spreadsheet(table).splitlines()
    assert lines == ["'=name\tx", "'-a\t-1.5", "'+b\t2", "'@c\tNA", "d\t0.1"]
