"""GMT files."""

import gzip
from pathlib import Path

import pytest

from histoniche.errors import InputError
from histoniche.omics.gene_sets import admissible_sets, as_gmt, read_gmt


def test_sets_are_read_plain_and_gzipped_and_accessions_get_their_description(
    tmp_path: Path,
) -> None:
    text = "HYPOXIA\thttp://x\tA\tB\tB\t\n\nGO:0000001\tmitochondrion inheritance\tC,1.0\tD\r\n"
    plain, packed = tmp_path / "a.gmt", tmp_path / "a.gmt.gz"
    plain.write_text(text, newline="")
    packed.write_bytes(gzip.compress(text.encode()))
    expected = {"HYPOXIA": {"A", "B"}, "mitochondrion inheritance (GO:0000001)": {"C", "D"}}
    assert read_gmt(plain) == read_gmt(packed) == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"A\tx\tG1\nB only\n", ["row 2", "B only", "separated by tabs"]),
        (b"A\tx\n", ["row 1"]),
        (b"A\tx\tG\nA\ty\tH\n", ["row 2", "twice"]),
        (b"\n", ["no gene set"]),
        (b"\xff\xfe\t\t", ["not readable"]),
    ],
)
def test_file_that_cannot_be_used_says_why(
    tmp_path: Path, content: bytes, words: list[str]
) -> None:
    path = tmp_path / "a.gmt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_gmt(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), caught.value


def test_written_sets_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.gmt"
    path.write_text(as_gmt({"CT": ("rho > 0.1", ["B", "A"]), "IT": ("x", ["C"])}))
    assert read_gmt(path) == {"CT": {"A", "B"}, "IT": {"C"}}


def test_library_in_other_ids_says_what_both_sides_look_like(tmp_path: Path) -> None:
    path = tmp_path / "a.gmt"
    path.write_text(as_gmt({"S": ("", ["ENSG00000141510", "ENSG00000141736"])}))
    words = r"has symbols of human such as TP53; the gene sets have Ensembl gene ids such as ENSG"
    with pytest.raises(InputError, match=words):
        admissible_sets(path, ["TP53"], min_size=1, max_size=5)
