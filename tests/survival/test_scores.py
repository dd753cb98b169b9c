"""Scores of all kinds in one table."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.scores import gather_scores
from histoniche.tables import read_table, write_table


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    """A region's area, two genes and three activities, of two patients each."""
    areas = pd.DataFrame(
        {"patient": ["A", "B"], "score": "CT", "kind": "area", "value": [1.0, 2.0]}
    )
    expression = pd.DataFrame({"gene": ["RTN4", "GJB2"], "B": [5.0, 6.0], "C": [7.0, 8.0]})
    activity = pd.DataFrame(
        [
            ("A", "hallmark", "HYPOXIA", "gsva", 0.5, 20),
            ("B", "hallmark", "HYPOXIA", "gsva", -0.5, 20),
            ("A", "hallmark", "TWICE", "gsva", 0.1, 20),
            ("A", "go", "TWICE", "gsva", 0.2, 20),
        ],
        columns=["patient", "library", "term", "method", "activity", "size"],
    )
    paths = {}
    for name, table in (("table", areas), ("expression", expression), ("activity", activity)):
        paths[name] = tmp_path / f"{name}.parquet"
        write_table(table, paths[name])
    return paths


def gather(tables: dict[str, Path], **changed: Any) -> pd.DataFrame:
    """Gathered scores."""
    out = tables["table"].with_name("scores.parquet")
    listed: dict[str, Any] = {"genes": [], "gene_sets": []}
    gather_scores(**{**tables, **listed, **changed}, scores=out)
    return read_table(out)


def test_areas_genes_and_activities_stand_below_each_other(tables: dict[str, Path]) -> None:
    found = gather(tables, genes=["GJB2"], gene_sets=["HYPOXIA"])
    assert found.values.tolist() == [
        ["A", "CT", "area", 1.0],
        ["B", "CT", "area", 2.0],
        ["B", "GJB2", "gene", 6.0],
        ["C", "GJB2", "gene", 8.0],
        ["A", "HYPOXIA", "activity", 0.5],
        ["B", "HYPOXIA", "activity", -0.5],
    ]


def test_indices_of_heterogeneity_come_last(tables: dict[str, Path]) -> None:
    index = tables["table"].with_name("heterogeneity.parquet")
    row = {"patient": "A", "score": "hti", "kind": "hti", "value": 0.6}
    write_table(pd.DataFrame([row]), index)
    found = gather(tables, heterogeneity=index)
    assert found.values.tolist()[2:] == [["A", "hti", "hti", 0.6]]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"genes": ["NONE1"]}, ["no such gene", "survival.genes", "NONE1"]),
        ({"gene_sets": ["NONE"]}, ["no activity", "survival.gene_sets", "NONE"]),
        ({"gene_sets": ["TWICE"]}, ["several libraries", "hallmark, go"]),
        ({"table": None}, ["no patient has a score"]),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    tables: dict[str, Path], changed: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(InputError) as error:
        gather(tables, **changed)
    assert all(word in str(error.value) for word in words)
    assert not tables["table"].with_name("scores.parquet").exists()


def test_a_gene_with_the_name_of_a_region_is_an_error(tables: dict[str, Path]) -> None:
    table = read_table(tables["expression"]).replace("GJB2", "CT").rename(columns={"C": "A"})
    write_table(table, tables["expression"])
    with pytest.raises(InputError, match="two scores have this name"):
        gather(tables, genes=["CT"])
