"""Tables of ligand-receptor pairs."""

import gzip
from pathlib import Path

import pytest

from histoniche.errors import InputError
from histoniche.omics.pairs import read_pairs


def test_first_two_columns_are_ligand_and_receptor_and_pairs_stand_once(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("Ligand gene symbol,Receptor gene symbol,x\nA,B,1\n A , B ,2\nB,A,\n\n")
    table, repeated = read_pairs(path)
    assert table.to_numpy().tolist() == [["A", "B"], ["B", "A"]]
    assert repeated == 1


def test_gzipped_tsv_with_quotes(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt.gz"
    path.write_bytes(gzip.compress(b'ligand\treceptor\tremarks\n"A"\tB\t""\n'))
    assert read_pairs(path)[0].to_numpy().tolist() == [["A", "B"]]


def test_lrdb_and_connectomedb_are_read(real_data: Path) -> None:
    lrdb, repeated = read_pairs(real_data / "ligand_receptor" / "lrdb_2019-12.txt.gz")
    assert (len(lrdb) + repeated, lrdb.iloc[0].tolist()) == (3251, ["A2M", "LRP1"])
    other, _ = read_pairs(real_data / "ligand_receptor" / "connectomedb2020_lrc2p.csv")
    assert len(other) > 2000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ligand\nA\nB\n", r"p\.tsv: not a table of two columns or more; give the ligand"),
        ("ligand\treceptor\n", r"not a table of two columns"),
        ("ligand\treceptor\nA\tB\nC\t\n", r"p\.tsv, row 3: pair without ligand or receptor"),
    ],
)
def test_tables_that_hold_no_pairs_are_an_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_pairs(path)


def test_absent_file_and_file_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file; mend ligand_receptor\.pairs"):
        read_pairs(tmp_path / "none.tsv")
    (tmp_path / "x.gz").write_bytes(b"not gzip")
    with pytest.raises(InputError, match="not readable as text"):
        read_pairs(tmp_path / "x.gz")
