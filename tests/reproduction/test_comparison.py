"""Tables that differ are told from tables that are the same, and by how much."""

import numpy as np
import pandas as pd
import pytest
import yaml

from histoniche.errors import InputError
from histoniche.reproduction.comparison import compare_tables
from histoniche.reproduction.summary import summarise, table_verdicts
from histoniche.reproduction.tables import chosen_tables, compare_all, tables_of, write_differences
from histoniche.reproduction.tolerances import STATED, Tolerance, read_tolerances
from histoniche.tables import write_table

STRICT = Tolerance(relative=1e-6, absolute=1e-9, counts=0)
LOOSE = Tolerance(relative=0.05, absolute=0.02, counts=0.05)
TABLE = pd.DataFrame(
    {
        "gene": ["A", "B", None],
        "n": [3, 4, 5],
        "p": [0.5, np.nan, np.inf],
        "kept": [True, False, True],
        "names": [["x"], [], ["y", "z"]],
    }
)


def verdicts(expected, found, tolerance=STRICT):
    return {one.column: one.verdict for one in compare_tables("t", expected, found, tolerance)}


def test_a_table_is_identical_to_itself_however_it_was_stored(tmp_path):
    write_table(TABLE, tmp_path / "t.parquet")
    stored = pd.read_parquet(tmp_path / "t.parquet")
    assert set(verdicts(TABLE, stored).values()) == {"identical"}
    assert set(verdicts(stored, stored.iloc[::-1]).values()) == {"identical"}


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("gene", 0, "a"),
        ("gene", 2, "None"),
        ("n", 1, 5),
        ("p", 0, 0.500_001),
        ("p", 1, 0.0),
        ("p", 2, -np.inf),
        ("p", 2, 1e300),
        ("kept", 0, False),
        ("names", 2, ["z", "y"]),
    ],
)
def test_every_changed_cell_is_found_in_its_column_alone(column, row, value):
    changed = TABLE.copy()
    changed.at[row, column] = value
    found = verdicts(TABLE, changed)
    assert found.pop(column) == "differs"
    assert set(found.values()) == {"identical"}


def test_numbers_may_differ_by_the_tolerance_and_no_more():
    one, other = (pd.DataFrame({"p": [value]}) for value in (100.0, 100.0001))
    (within,) = compare_tables("t", one, other, STRICT)
    assert within.verdict == "within"
    assert within.largest_absolute == pytest.approx(1e-4)
    assert within.largest_relative == pytest.approx(1e-6, rel=1e-5)
    (differs,) = compare_tables("t", one, pd.DataFrame({"p": [100.00011]}), STRICT)
    assert differs.verdict == "differs" and differs.remark == "1 of 1 rows"


def test_counts_are_exact_unless_they_follow_a_network():
    one, other = (pd.DataFrame({"pixels": [number]}) for number in (1000, 1040))
    assert verdicts(one, other) == {"pixels": "differs"}
    assert verdicts(one, other, LOOSE) == {"pixels": "within"}
    assert verdicts(one, pd.DataFrame({"pixels": [1060]}), LOOSE) == {"pixels": "differs"}


def test_rows_in_another_order_are_laid_beside_their_like():
    one = pd.DataFrame({"gene": ["A", "B"], "p": [0.1, 0.2]})
    other = pd.DataFrame({"gene": ["B", "A"], "p": [0.2, 0.1]})
    assert set(verdicts(one, other).values()) == {"identical"}
    other["p"] = [0.1, 0.2]
    assert verdicts(one, other) == {"gene": "identical", "p": "differs"}


def test_missing_rows_and_columns_are_said():
    (rows,) = compare_tables("t", TABLE, TABLE.iloc[1:], STRICT)
    assert (rows.verdict, rows.remark) == ("differs", "3 rows in the bundle, 2 now")
    found = compare_tables("t", TABLE, TABLE.drop(columns="n").assign(m=1), STRICT)
    assert {(one.column, one.remark) for one in found if one.verdict == "differs"} == {
        ("n", "only in the bundle"),
        ("m", "only now"),
    }


def test_tables_without_rows_are_the_same():
    assert set(verdicts(TABLE.iloc[:0], TABLE.iloc[:0]).values()) == {"identical"}


def test_all_tables_are_compared_each_by_its_own_tolerance(tmp_path):
    results = tmp_path / "results"
    now = pd.DataFrame({"p": [1.0]})
    contents = {}
    for name, value in (("areas/patients", 1.04), ("cohort/patients", 1.04), ("x/gone", 1.0)):
        write_table(pd.DataFrame({"p": [value]}), tmp_path / "b.parquet")
        contents[f"{name}.parquet"] = (tmp_path / "b.parquet").read_bytes()
        contents[f"{name}.tsv"] = b"p\n"
        write_table(now, results / f"{name}.parquet")
    (results / "x/gone.parquet").unlink()
    contents["figures/f.tsv"] = b"p\tq\n1.00002\tNA\n"
    (results / "figures").mkdir()
    (results / "figures/f.tsv").write_text("p\tq\n1.00001\tNA\n")
    tables = tables_of([*contents, "config/patients.tsv", "models/all/0/history.parquet"])
    assert tables == [
        *("areas/patients.parquet", "cohort/patients.parquet", "figures/f.tsv", "x/gone.parquet")
    ]
    found = compare_all(
        tables,
        contents.__getitem__,
        results,
        tolerances=read_tolerances(),
        following={"areas/patients.parquet"},
    )
    assert table_verdicts(found) == {
        "areas/patients": "within",
        "cohort/patients": "differs",
        "figures/f": "within",
        "x/gone": "missing",
    }
    write_differences(found, tmp_path / "reproduction.tsv")
    written = pd.read_csv(tmp_path / "reproduction.tsv", sep="\t")
    assert list(written.columns[:7]) == [
        *("table", "column", "rows", "largest_absolute", "largest_relative"),
        *("tolerance", "verdict"),
    ]
    row = written.set_index("table").loc["cohort/patients"]
    assert row["largest_absolute"] == pytest.approx(0.04)
    lines = summarise(found, [("numpy", "1.0", "2.0")], reused=True)
    assert lines[0] == "numpy 1.0 in the bundle, 2.0 here"
    assert lines[1] == "networks were taken from the bundle, not trained again"
    assert lines[2] == "4 tables: 2 within their tolerance, 1 differ, 1 missing"
    assert lines[3].startswith("differs: cohort/patients, p: 1 of 1 rows, by up to 0.04")
    assert lines[4] == "missing: x/gone: the run left no such table"


def test_a_summary_is_one_screen_and_prints_nothing_that_steers_a_terminal():
    one, other = pd.DataFrame({f"c\x1b[2J{k}": ["a"] for k in range(99)}), None
    other = one.map(lambda cell: "b")
    lines = summarise(compare_tables("t", one, other, STRICT), [], reused=False)
    assert len(lines) < 24 and lines[-1].startswith("... and 84 more")
    assert "\x1b" not in "".join(lines)


def test_tables_are_chosen_by_name_or_pattern():
    tables = ["areas/patients.parquet", "areas/slides.parquet", "figures/areas.tsv"]
    assert chosen_tables(tables, []) == tables
    assert chosen_tables(tables, ["areas/patients", "figures/areas.tsv"]) == tables[::2]
    assert chosen_tables(tables, ["areas/*"]) == tables[:2]
    with pytest.raises(InputError, match="did you mean areas/slides"):
        chosen_tables(tables, ["areas/slide"])


def test_stated_tolerances_are_those_of_the_documentation_and_name_rules_that_there_are(checkout):
    stated = read_tolerances()
    assert stated.statistics == STRICT
    rules = "".join(file.read_text() for file in (checkout / "workflow" / "rules").glob("*.smk"))
    assert stated.rules and all(f"rule {rule}:" in rules for rule in stated.rules)
    assert f"{stated.networks.relative:g}" in (checkout / "docs" / "reproducing.md").read_text()


def test_own_tolerances_win_and_wrong_ones_are_named(tmp_path):
    own = yaml.safe_load(STATED.read_text())
    own["tables"] = {"survival/*": {"relative": 1, "absolute": 0, "counts": 0}}
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(own))
    found = read_tolerances(path)
    assert found.of("survival/cox", follows_network=True, is_text=False).relative == 1
    assert found.of("areas/x", follows_network=True, is_text=False) == found.networks
    assert found.of("figures/x", follows_network=False, is_text=True) == found.texts
    own["networks"]["relative"] = -1
    path.write_text(yaml.safe_dump(own))
    with pytest.raises(InputError, match=r"own\.yaml, column networks\.relative"):
        read_tolerances(path)
    path.write_text("a: [")
    with pytest.raises(InputError, match="not YAML"):
        read_tolerances(path)
    with pytest.raises(InputError, match="no such file"):
        read_tolerances(tmp_path / "none.yaml")
