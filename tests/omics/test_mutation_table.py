"""Tables of patients by genes."""

import gzip
from pathlib import Path

import pytest

from histoniche.errors import InputError
from histoniche.omics.maf import Variants
from histoniche.omics.mutation_table import read_mutation_table
from histoniche.omics.mutations import SILENT


def read(path: Path, text: str) -> Variants:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return read_mutation_table(path, silent=SILENT)


def mutated(cell: str, folder: Path) -> tuple[list[str], list[str]]:
    """Kinds of one cell's variants, and who was profiled."""
    found = read(folder / "a.tsv", f"patient\tTP53\nP1\t{cell}\n")
    return found.table.loc[found.table["counts"], "kind"].tolist(), found.samples


@pytest.mark.parametrize(
    "cell",
    [
        "1",
        "2",
        "1.0",
        "TRUE",
        "yes",
        "mutated",
        "R132H",
        "p.R132H",
        "S500=;R132H",
        "Missense_Mutation",
        "Silent;Missense_Mutation",
        "MUTATED (driver)",
        "p.Arg132His",
    ],
)
def test_cells_that_make_the_patient_mutated(tmp_path: Path, cell: str) -> None:
    kinds, profiled = mutated(cell, tmp_path)
    assert len(kinds) == 1
    assert profiled == ["P1"]


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "0",
        "0.0",
        "FALSE",
        "no",
        "WT",
        "wild type",
        "Wild-type",
        "-",
        "p.S500=",
        "p.(=)",
        "S500S",
        "p.Ser500Ser",
        "Silent",
        "Intron, 3'UTR",
    ],
)
def test_cells_that_make_the_patient_profiled_but_not_mutated(tmp_path: Path, cell: str) -> None:
    assert mutated(cell, tmp_path) == ([], ["P1"])


@pytest.mark.parametrize("cell", ["NA", "nan", "N/A", "NS", "not sequenced"])
def test_patient_with_nothing_but_unknown_cells_is_not_profiled(tmp_path: Path, cell: str) -> None:
    assert mutated(cell, tmp_path) == ([], [])


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.csv.gz"])
def test_pairs_are_those_of_the_table_in_every_layout(tmp_path: Path, name: str) -> None:
    separator = "," if "csv" in name else "\t"
    rows = [
        ["patient", "TP53", "EGFR"],
        ["P1", "1", "0"],
        ["P2", "NA", "A289V"],
        ["P3", "NA", "NA"],
    ]
    found = read(tmp_path / name, "\n".join(separator.join(row) for row in rows) + "\n")
    pairs = set(found.table[["sample", "gene"]].itertuples(index=False, name=None))
    assert pairs == {("P1", "TP53"), ("P2", "EGFR")}
    assert found.samples == ["P1", "P2"]
    assert {(d.step, d.item): d.count for d in found.decisions} == {
        ("variants", "rows in the file"): 3,
        ("variants", "genes in the file"): 2,
        ("cells", "wild type"): 1,
        ("cells", "not sequenced"): 3,
        ("samples", "without any cell but NA or NS"): 1,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p\tTP53\tEGFR\nP1\t1\t0\nP2\t0.5\t1\n", ["row 3", "column TP53", "value '0.5'", "NA"]),
        ("p\tTP53\tEGFR\nP1\t1\t-1\n", ["row 2", "column EGFR", "value '-1'"]),
        ("p\tTP53\tTP53\nP1\t1\t1\n", ["column TP53", "two columns"]),
        ("p\tTP53\nP1\t1\nP1\t0\n", ["row 3", "value 'P1'", "twice"]),
        ("p\tTP53\nP1\t1\n\t0\n", ["row 3", "empty"]),
        ("p\tTP53\tEGFR\nP1\t1\n", ["row 2", "2 cells under 3 columns"]),
        ("p;TP53\nP1;1\n", ["patients by genes", "tabs or commas"]),
    ],
)
def test_table_that_cannot_be_used_says_why(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path / "a.tsv", text)
    assert all(word in str(caught.value) for word in words), caught.value
