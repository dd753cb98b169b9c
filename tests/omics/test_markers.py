"""Reading markers of cell types."""

import gzip
import math
from pathlib import Path

import pytest

from histoniche.errors import InputError
from histoniche.omics.markers import (
    CellOntology,
    MarkerSet,
    plain_name,
    read_cell_ontology,
    read_markers,
    unify,
)

OBO = """format-version: 1.2

[Term]
id: CL:0000129
name: microglial cell
def: "A glial cell." []
synonym: "microglia" EXACT []
synonym: "brain macrophage" RELATED []

[Term]
id: CL:0000084
name: T cell
synonym: "T-lymphocyte" EXACT [GOC:x]

[Term]
id: CL:0009999
name: obsolete cell
is_obsolete: true

[Term]
id: GO:0000001
name: a process

[Typedef]
id: part_of
name: part of
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def summary(sets: list[MarkerSet]) -> list[tuple[str, str, list[str]]]:
    return [(each.cell_type, each.ontology_id, list(each.genes)) for each in sets]


@pytest.mark.parametrize("name", ["m.gmt", "m.gmt.gz"])
def test_ids_of_a_gmt_file_stand_in_names_or_descriptions(tmp_path: Path, name: str) -> None:
    text = (
        "Microglia\tCL:0000129\tB\tA\n\n"
        "T cells (CL:0000084)\tstudy\tC\n"
        "CL_0000576_monocyte\t\tD\n"
        "CL:0000235\tmacrophage\tE\n"
        "OPC\tno id\tF\n"
    )
    assert summary(read_markers(written(tmp_path, name, text))) == [
        ("Microglia", "CL:0000129", ["A", "B"]),
        ("T cells", "CL:0000084", ["C"]),
        ("monocyte", "CL:0000576", ["D"]),
        ("macrophage", "CL:0000235", ["E"]),
        ("OPC", "", ["F"]),
    ]


@pytest.mark.parametrize(("name", "separator"), [("m.tsv", "\t"), ("m.csv.gz", ",")])
def test_table_has_a_set_for_each_cell_type_and_study(
    tmp_path: Path, name: str, separator: str
) -> None:
    rows = [
        "gene cell_type ontology_id marker_set rank note",
        "A Microglia CL:0000129 s1 2 x",
        "B Microglia CL_0000129 s1 1 x",
        "A Microglia CL:0000129 s2  x",
        "A Microglia CL:0000129 s2  again",
        "C OPC  s1  x",
    ]
    text = "\r\n".join(row.replace(" ", separator) for row in rows)
    sets = read_markers(written(tmp_path, name, text))
    assert summary(sets) == [
        ("Microglia", "CL:0000129", ["A", "B"]),
        ("Microglia", "CL:0000129", ["A"]),
        ("OPC", "", ["C"]),
    ]
    assert sets[0].genes == {"A": 2, "B": 1}
    assert math.isnan(sets[1].genes["A"])


def test_human_rows_of_panglaodb_are_read(tmp_path: Path) -> None:
    text = (
        "species\tofficial gene symbol\tcell type\tnicknames\n"
        "Mm Hs\tAIF1\tMicroglia\tIBA1|AIF-1\nHs\tTREM2\tMicroglia\tNA\nMm\tSiglech\tMicroglia\tNA\n"
    )
    sets = read_markers(written(tmp_path, "p.tsv.gz", text))
    assert summary(sets) == [("Microglia", "", ["AIF1", "TREM2"])]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cell_type\tgene\nT\t\n", ["row 2", "column gene", "name the gene"]),
        ("cell_type\tgene\nT\tA\n\n \tB\n", ["row 4", "column cell_type", "name the cell type"]),
        ("cell_type\tgene\tontology_id\nT\tA\tUBERON:1\n", ["row 2", "'UBERON:1'", "CL:0000129"]),
        (
            "cell_type\tgene\tontology_id\nT\tA\tCL:0000084\nT\tB\tCL:0000129\n",
            ["row 3", "two ids", "CL:0000084"],
        ),
        ("cell_type\tgene\trank\nT\tA\t0\n", ["row 2", "column rank", "'0'"]),
        ("cell_type\tgene\nT\tA\tB\n", ["row 2", "3 cells under 2 columns"]),
        ("cell_type\tsymbol\nT\tA\n", ["column gene", "no such column", "PanglaoDB"]),
        ("cell_type\tgene\tgene\nT\tA\tB\n", ["column gene", "two columns of one name"]),
        ("cell_type\tgene\n", ["no marker in the file"]),
        ("", ["no marker in the file"]),
    ],
)
def test_table_that_cannot_be_used_says_where_and_why(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    path = written(tmp_path, "m.tsv", text)
    with pytest.raises(InputError) as caught:
        read_markers(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), caught.value


def test_missing_binary_and_broken_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.tsv: no such file; mend cell_types\.markers"):
        read_markers(tmp_path / "a.tsv")
    for name in ("b.tsv", "b.tsv.gz"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00")
        with pytest.raises(InputError, match="not readable as text"):
            read_markers(tmp_path / name)
    with pytest.raises(InputError, match=r"c\.gmt, row 1.*not a line of a GMT file"):
        read_markers(written(tmp_path, "c.gmt", "T cells\n"))


def test_ontology_knows_names_and_exact_synonyms_but_nothing_obsolete(tmp_path: Path) -> None:
    ontology = read_cell_ontology(written(tmp_path, "cl.obo", OBO))
    assert ontology.names == {"CL:0000129": "microglial cell", "CL:0000084": "T cell"}
    assert ontology.ids == {
        "microglial cell": "CL:0000129",
        "microglia": "CL:0000129",
        "t cell": "CL:0000084",
        "t lymphocyte": "CL:0000084",
    }


def test_file_that_is_no_cell_ontology_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no term of the Cell Ontology"):
        read_cell_ontology(written(tmp_path, "x.obo", "[Term]\nid: GO:0000001\nname: x\n"))
    with pytest.raises(InputError, match=r"no such file; mend cell_types\.ontology"):
        read_cell_ontology(tmp_path / "absent.obo")
    (tmp_path / "b.obo").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not readable as text"):
        read_cell_ontology(tmp_path / "b.obo")


def test_plain_names_forget_case_signs_and_plurals_only() -> None:
    assert plain_name("T-cells") == plain_name("t cell") == "t cell"
    assert plain_name("CD8+ T cells") == "cd8+ t cell"
    assert plain_name("Microglia") == "microglia"
    assert plain_name("Reticular mass") == "reticular mass"


def test_sets_of_one_id_or_name_are_of_one_type(tmp_path: Path) -> None:
    ontology = read_cell_ontology(written(tmp_path, "cl.obo", OBO))
    sets = [
        MarkerSet("Microglia", "", {"A": 1}),
        MarkerSet("Brain microglia", "CL:0000129", {"B": 1}),
        MarkerSet("T cells", "", {"C": 1}),
        MarkerSet("OPC", "", {"D": 1}),
        MarkerSet("OPCs", "CL:0002453", {"E": 1}),
    ]
    types = {
        key: [list(each.genes) for each in found] for key, found in unify(sets, ontology).items()
    }
    assert types == {
        ("microglial cell", "CL:0000129"): [["A"], ["B"]],
        ("T cell", "CL:0000084"): [["C"]],
        ("OPC", "CL:0002453"): [["D"], ["E"]],
    }
    alone = unify(sets, None)
    assert [*alone] == [
        ("Microglia", ""),
        ("Brain microglia", "CL:0000129"),
        ("T cells", ""),
        ("OPC", "CL:0002453"),
    ]
    assert unify([], CellOntology({}, {})) == {}
