"""The shipped library of GO biological processes, and the script that builds it."""

import gzip
import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from histoniche.files import sha256
from histoniche.omics.gene_sets import read_gmt

FOLDER = Path(__file__).parents[2] / "resources" / "gene_sets"
SHIPPED = FOLDER / "go_biological_process.gmt.gz"


@pytest.fixture
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_go", FOLDER / "build_go.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fill(path: Path, statements: str) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(statements)
    return path


def test_script_keeps_named_sets_of_fitting_size_and_writes_the_same_bytes(
    tmp_path: Path, builder: ModuleType
) -> None:
    def pairs(term: str, genes: range) -> str:
        return ",".join(f"({gene}, '{term}', 'IEA')" for gene in genes)

    symbols = ",".join(f"({gene}, 'A{1000 - gene}')" for gene in range(600))
    rows = [pairs("GO:2", range(5)), pairs("GO:1", range(500)), pairs("GO:2", range(3))]
    rows += [pairs("GO:3", range(4)), pairs("GO:4", range(501)), pairs("GO:5", range(9))]
    annotation = fill(
        tmp_path / "org.sqlite",
        "CREATE TABLE gene_info (_id INTEGER, symbol TEXT);"
        "CREATE TABLE go_bp_all (_id INTEGER, go_id TEXT, evidence TEXT);"
        f"INSERT INTO gene_info VALUES {symbols};"
        f"INSERT INTO go_bp_all VALUES {','.join(rows)};",
    )
    names = ",".join(f"('GO:{k}', 'process {k}', 'BP')" for k in range(1, 5))
    ontology = fill(
        tmp_path / "go.sqlite",
        "CREATE TABLE go_term (go_id TEXT, term TEXT, ontology TEXT);"
        f"INSERT INTO go_term VALUES {names}, ('GO:5', 'a place', 'CC');",
    )
    written = []
    for name in ("a.gmt.gz", "b.gmt.gz"):
        members, terms = builder.read_members(annotation), builder.read_terms(ontology)
        assert builder.write_gmt(members, terms, tmp_path / name) == 2
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    lines = gzip.decompress(written[0]).decode().splitlines()
    assert lines[1].split("\t") == ["GO:2", "process 2", "A1000", "A996", "A997", "A998", "A999"]
    assert [len(line.split("\t")) - 2 for line in lines] == [500, 5]


def test_script_makes_no_empty_database_where_there_is_none(
    tmp_path: Path, builder: ModuleType
) -> None:
    with pytest.raises(sqlite3.OperationalError):
        builder.read_members(tmp_path / "absent.sqlite")
    assert not list(tmp_path.iterdir())


def test_shipped_library_is_the_one_that_the_readme_describes() -> None:
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert sha256(SHIPPED) in readme
    sets = read_gmt(SHIPPED)
    assert f"{len(sets):,} biological processes" in readme
    sizes = [len(genes) for genes in sets.values()]
    assert min(sizes) == 5 and max(sizes) <= 500


def test_genes_of_a_process_stand_at_its_ancestors_too() -> None:
    sets = read_gmt(SHIPPED)
    child = sets["microglial cell activation (GO:0001774)"]
    assert child < sets["macrophage activation (GO:0042116)"]
    assert {"TREM2", "AIF1"} & child
