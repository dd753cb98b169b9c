"""The mean expression of gene sets' genes, here and in external cohorts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.external_cohorts import External
from histoniche.omics.gene_sets import as_gmt
from histoniche.omics.pathway_expression import (
    GENES,
    SCORES,
    mean_expression,
    scale,
    score_pathways,
    weights,
)
from histoniche.tables import read_table, write_table

PATIENTS = [f"P{number:02d}" for number in range(30)]
TRAINING = PATIENTS[:20]
NAMES = [f"G{number:02d}" for number in range(40)]
SETS = {"with": NAMES[:6], "against": NAMES[4:9], "other": NAMES[20:30], "late": NAMES[30:33]}
R = {"with": (0.8, 1e-6), "against": (-0.7, 1e-4), "other": (0.2, 0.4), "late": (0.5, 0.02)}
Tables = dict[str, pd.DataFrame]


@pytest.fixture
def values() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(5, 2, (len(NAMES), len(PATIENTS))), NAMES, PATIENTS)


@pytest.fixture
def run(tmp_path: Path, values: pd.DataFrame) -> Callable[..., Tables]:
    """Run the job."""

    def job(external: dict[str, External] | None = None, **settings: Any) -> Tables:
        own = settings.pop("values", values)
        own.rename_axis("gene").reset_index().to_parquet(tmp_path / "expression.parquet")
        r = pd.DataFrame(
            [(name, *numbers) for name, numbers in R.items()], columns=["term", "r", "q"]
        )
        cohorts = ["training"] * 20 + ["internal validation"] * 9
        tables = {
            "genes": pd.DataFrame({"gene": own.index, "detected": 30, "tested": True}),
            "correlation": r.assign(library="lib"),
            "choice": pd.DataFrame({"step": ["genes"], "item": "up", "count": [7], "detail": ""}),
            "cohorts": pd.DataFrame({"patient": PATIENTS[:29], "cohort": cohorts}),
        }
        for name, table in tables.items():
            write_table(table, tmp_path / f"{name}.parquet")
        (tmp_path / "lib.gmt").write_text(as_gmt({term: ("", own) for term, own in SETS.items()}))
        out = {n: tmp_path / f"{n}_out.parquet" for n in ("scores", "members", "decisions")}
        score_pathways(
            tmp_path / "expression.parquet",
            tmp_path / "correlation.parquet",
            {"lib": tmp_path / "lib.gmt"},
            external or {},
            **{name: tmp_path / f"{name}.parquet" for name in ("genes", "choice", "cohorts")},
            **out,
            **{
                **{"correlation_q": 0.01, "found_in": "training", "signed": False, "unit": "log2"},
                **settings,
            },
        )
        return {name: read_table(path) for name, path in out.items()}

    return job


@pytest.fixture
def external(tmp_path: Path) -> Callable[..., External]:
    """Write an external cohort."""

    def write(
        table: pd.DataFrame, *, times: Any = 100.0, patients: Any = None, **settings: Any
    ) -> External:
        table.rename_axis("gene").to_csv(tmp_path / "external.tsv", sep="\t")
        who = list(table.columns) if patients is None else patients
        sheet = pd.DataFrame({"patient": who, "time": times, "event": 1})
        sheet.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
        where = {"unit": "log2", "normalise": "own", "time_unit": "days", "barcode": "whole"}
        return External(
            tmp_path / "external.tsv",
            tmp_path / "people.tsv",
            **{**where, "sample_types": (), **settings},
        )

    return write


def other(seed: int = 9) -> pd.DataFrame:
    """Another platform: the same genes, shifted and stretched, one of them absent."""
    rng = np.random.default_rng(seed)
    names = [name for name in NAMES if name != "G02"]
    return pd.DataFrame(rng.normal(9, 4, (39, 25)), names, [f"X{k:02d}" for k in range(25)])


def test_the_score_is_the_mean_of_genes_standardised_on_the_training_patients(
    run: Callable[..., Tables], values: pd.DataFrame
) -> None:
    found = run()
    genes = NAMES[:9]
    mean, deviation = (getattr(values.loc[genes, TRAINING], f)(axis=1) for f in ("mean", "std"))
    expected = values.loc[genes].sub(mean, axis=0).div(deviation, axis=0).mean()
    scores = found["scores"].set_index("patient")
    assert list(found["scores"]) == list(SCORES) and (scores["origin"] == "study").all()
    np.testing.assert_allclose(scores.loc[PATIENTS, "value"], expected)
    assert scores.loc[TRAINING, "value"].mean() == pytest.approx(0, abs=1e-12)
    assert scores.loc["P29", "cohort"] == "" and (scores["genes"] == 9).all()
    members = found["members"].set_index("gene")
    assert list(found["members"]) == list(GENES) and list(members.index) == genes
    np.testing.assert_allclose(members["deviation"], deviation)
    assert members.loc["G05", "sets"] == 2 and members.loc["G05", "terms"] == "with; against"
    count = found["decisions"].set_index("item")["count"]
    assert found["decisions"]["item"].iloc[0] == "up" and count["up"] == 7
    assert count["sets that go with the score"] == count["sets that go against it"] == 1
    assert count["genes"] == 9 and count["patients of the scale"] == 20


def test_signed_genes_of_both_signs_do_not_count(
    run: Callable[..., Tables], values: pd.DataFrame
) -> None:
    found = run(signed=True)
    weight = found["members"].set_index("gene")["weight"]
    assert weight.to_dict() == {**dict.fromkeys(NAMES[:4], 1), **dict.fromkeys(NAMES[6:9], -1)}
    standard = values.sub(values[TRAINING].mean(axis=1), axis=0)
    standard = standard.div(values[TRAINING].std(axis=1), axis=0)
    expected = (standard.loc[NAMES[:4]].sum() - standard.loc[NAMES[6:9]].sum()) / 7
    scores = found["scores"].set_index("patient")["value"]
    np.testing.assert_allclose(scores[PATIENTS], expected)


def test_a_limit_more_or_less_changes_the_sets(run: Callable[..., Tables]) -> None:
    assert set(run(correlation_q=0.05)["members"]["gene"]) == {*NAMES[:9], *NAMES[30:33]}
    nothing = run(correlation_q=1e-9)
    assert nothing["scores"].empty and list(nothing["scores"]) == list(SCORES)
    assert nothing["members"].empty
    assert nothing["decisions"].set_index("item")["count"]["genes"] == 0


def test_an_external_cohort_is_on_its_own_scale_or_on_the_training_one(
    run: Callable[..., Tables], external: Callable[..., External], values: pd.DataFrame
) -> None:
    table = other()
    shared = [name for name in NAMES[:9] if name != "G02"]
    found = run({"far": external(table)})
    scores = found["scores"][found["scores"]["origin"] == "external"].set_index("patient")
    assert (scores["cohort"] == "far").all() and (scores["genes"] == 8).all()
    part = table.loc[shared]
    expected = part.sub(part.mean(axis=1), axis=0).div(part.std(axis=1), axis=0).mean()
    np.testing.assert_allclose(scores.loc[table.columns, "value"], expected)
    detail = found["decisions"].set_index("item")["detail"]["of 9 genes"]
    assert detail == "each gene by its own mean and deviation; without G02"
    # Another unit of measurement says nothing on the own scale, but everything on the other.
    stretched = run({"far": external(3 * table + 1)})["scores"].set_index("patient")
    np.testing.assert_allclose(stretched.loc[table.columns, "value"], expected)
    training = values.loc[shared, TRAINING]
    found = run({"far": external(table, normalise="training")})
    expected = part.sub(training.mean(axis=1), axis=0).div(training.std(axis=1), axis=0).mean()
    scores = found["scores"].set_index("patient")
    np.testing.assert_allclose(scores.loc[table.columns, "value"], expected)


def test_external_counts_become_logarithms_of_counts_per_million(
    run: Callable[..., Tables], external: Callable[..., External]
) -> None:
    counts = pd.DataFrame(
        np.random.default_rng(2).poisson(60, (40, 12)), NAMES, [f"X{k:02d}" for k in range(12)]
    )
    logs = np.log2(counts / counts.sum() * 1e6 + 1)
    part = logs.loc[NAMES[:9]]
    expected = part.sub(part.mean(axis=1), axis=0).div(part.std(axis=1), axis=0).mean()
    found = run({"far": external(counts, unit="counts")})["scores"].set_index("patient")
    np.testing.assert_allclose(found.loc[counts.columns, "value"], expected)


def test_a_gene_that_does_not_vary_is_left_out_where_it_does_not(
    run: Callable[..., Tables], external: Callable[..., External], values: pd.DataFrame
) -> None:
    flat = values.copy()
    flat.loc["G00", TRAINING] = 4.0
    found = run(values=flat)
    assert "G00" not in set(found["members"]["gene"]) and (found["scores"]["genes"] == 8).all()
    table = other()
    table.loc["G01"] = 7.0
    found = run({"far": external(table)})["scores"]
    assert found.groupby("origin")["genes"].first().to_dict() == {"external": 7, "study": 9}


def test_patients_without_follow_up_do_not_take_part(
    run: Callable[..., Tables], external: Callable[..., External]
) -> None:
    table = other()
    found = run({"far": external(table, patients=list(table.columns[:14]))})["scores"]
    assert (found["origin"] == "external").sum() == 14


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"index": [f"ENSG{k:011d}" for k in range(39)]}, r"none of the 9 genes, such as G00"),
        ({"patients": [f"Y{k}" for k in range(25)]}, "external.tsv"),
        ({"patients": ["X00"] * 25}, r"people.tsv, row 3, column patient.*stands in row 2"),
        ({"patients": [f"X{k:02d}" for k in range(9)]}, "only 9 patients with follow-up"),
        ({"times": np.nan}, r"people\.tsv"),
        ({"times": -1.0}, r"people\.tsv, row 2, column time, value '-1\.0'"),
    ],
)
def test_external_tables_that_do_not_fit_are_one_line(
    run: Callable[..., Tables],
    external: Callable[..., External],
    change: dict[str, Any],
    problem: str,
) -> None:
    table = other()
    if "index" in change:
        table.index = pd.Index(change.pop("index"))
    with pytest.raises(InputError, match=problem) as caught:
        run({"far": external(table, **change)})
    assert "\n" not in str(caught.value)


def test_a_cohort_without_expression_gives_no_scale(run: Callable[..., Tables]) -> None:
    problem = (
        r"found_in, value 'tuning': only 0 patients.*training \(20\), internal validation \(9\)"
    )
    with pytest.raises(InputError, match=problem):
        run(found_in="tuning")


def test_weights_and_scale_of_hand_made_sets() -> None:
    terms = {("a", "x"): frozenset("pq"), ("a", "y"): frozenset("qr")}
    r = {("a", "x"): 0.5, ("a", "y"): -0.5}
    assert weights(terms, r, signed=False).to_dict() == {"p": 1, "q": 1, "r": 1}
    assert weights(terms, r, signed=True).to_dict() == {"p": 1, "r": -1}
    values = pd.DataFrame([[1.0, 3], [5, 5], [8, 2]], ["p", "q", "r"], ["A", "B"])
    scaling = scale(values)
    assert list(scaling.index) == ["p", "r"]
    found = mean_expression(values, weights(terms, r, signed=True), scaling)
    # One SD (n - 1) of two values is their distance over the root of two.
    np.testing.assert_allclose(found, [-np.sqrt(0.5), np.sqrt(0.5)])
