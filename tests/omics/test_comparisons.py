"""Groups of patients."""

import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.comparisons import (
    Sources,
    differing,
    differing_in_words,
    divide,
    divide_patients,
)
from histoniche.tables import read_table, write_table

PATIENTS = [f"P{number}" for number in range(8)]


@pytest.fixture
def sources():
    sheet = pd.DataFrame(
        {"mgmt": ["yes", "no", "unsure", None, "yes", "no", "yes", "no"]}, PATIENTS
    )
    scores = pd.DataFrame({"CT": [1, 2, 3, 4, 5, 6, 7.0, None]}, PATIENTS)
    mutated = pd.DataFrame({"patient": ["P3", "P1", "P0", "X"], "gene": "IDH1"})
    return Sources(sheet, scores, mutated, frozenset([*PATIENTS[:6], "X"]))


def groups(table):
    return {label: list(rows["patient"]) for label, rows in table.groupby("label")}


def test_carriers_are_compared_with_the_other_profiled_patients(sources):
    table = divide(sources, {"mutation": "IDH1"}, where="c")
    assert groups(table) == {
        "IDH1 mutated": ["P0", "P1", "P3"],
        "IDH1 wild type": ["P2", "P4", "P5"],
    }
    assert table.set_index("patient").loc["P3", "group"] == "case"


def test_two_levels_are_compared_and_others_left_out(sources):
    table = divide(sources, {"covariate": "mgmt", "case": "yes", "reference": "no"}, where="c")
    assert groups(table) == {"mgmt yes": ["P0", "P4", "P6"], "mgmt no": ["P1", "P5", "P7"]}


def test_a_score_is_cut_at_its_quantile_and_the_cut_itself_is_low(sources):
    table = divide(sources, {"score": "CT", "cut": 0.5}, where="c")
    assert groups(table) == {"CT low": ["P0", "P1", "P2", "P3"], "CT high": ["P4", "P5", "P6"]}


def test_a_cut_by_survival_is_that_of_the_table_and_no_quantile(sources):
    cuts = {"CT": 4.5, "IT": float("nan")}
    known = sources._replace(cuts=cuts, scores=sources.scores.assign(IT=1.0, LE=2.0))
    table = divide(known, {"score": "CT", "cut": "survival"}, where="c")
    assert groups(table) == {"CT low": ["P0", "P1", "P2", "P3"], "CT high": ["P4", "P5", "P6"]}
    at = divide(known._replace(cuts={"CT": 4.0}), {"score": "CT", "cut": "survival"}, where="c")
    assert groups(at)["CT low"] == PATIENTS[:4]
    for name in ("IT", "LE"):
        problem = rf"c\.cut, value '{name}': .* no cut-point; .* choose among CT$"
        with pytest.raises(InputError, match=problem):
            divide(known, {"score": name, "cut": "survival"}, where="c")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"mutation": "TP53"}, "column c: only 0 patients are TP53 mutated, 3 are needed"),
        (
            {"covariate": "mgmt", "case": "unsure", "reference": "no"},
            "only 1 patients are mgmt unsure",
        ),
        (
            {"covariate": "mgmt", "case": "oui", "reference": "no"},
            r"c\.case, value 'oui'.*among no, unsure, yes",
        ),
        ({"score": "IT", "cut": 0.5}, r"c\.score, value 'IT': no such score; choose among CT"),
    ],
)
def test_what_cannot_be_divided_says_why(sources, rule, problem):
    with pytest.raises(InputError, match=problem):
        divide(sources, rule, where="c")
    with pytest.raises(InputError, match="no patient is profiled"):
        divide(sources._replace(profiled=frozenset()), {"mutation": "TP53"}, where="c")


def test_job_divides_for_every_comparison(sources, tmp_path):
    write_table(sources.patients.rename_axis("patient").reset_index(), tmp_path / "p.parquet")
    scores = sources.scores.assign(HTI=[8.0, 7, 6, 5, 4, 3, 2, 1])
    scores = scores.rename_axis("patient").reset_index().melt("patient", var_name="score")
    write_table(scores, tmp_path / "s.parquet")
    rules = {
        "mvp": {"score": "CT", "cut": 0.5},
        "mgmt": {"covariate": "mgmt", "case": "yes", "reference": "no"},
        "mixed": {"score": "HTI", "cut": 0.5},
        "risk": {"score": "CT", "cut": "survival"},
    }
    cuts = pd.DataFrame({"score": ["CT", "HTI"], "cut": [3.0, None], "note": ["", "too few"]})
    write_table(cuts, tmp_path / "c.parquet")
    divide_patients(
        tmp_path / "p.parquet",
        tmp_path / "s.parquet",
        None,
        groups=tmp_path / "g.parquet",
        comparisons=rules,
        cuts=tmp_path / "c.parquet",
    )
    table = read_table(tmp_path / "g.parquet")
    sizes = table.groupby("comparison", sort=False).size().to_dict()
    assert sizes == {"mvp": 7, "mgmt": 6, "mixed": 8, "risk": 7}
    mixed = groups(table[table["comparison"] == "mixed"])
    assert mixed["HTI high"] == ["P0", "P1", "P2", "P3"]
    risk = groups(table[table["comparison"] == "risk"])
    assert risk["CT high"] == ["P3", "P4", "P5", "P6"]
    assert list(table) == ["comparison", "patient", "group", "label"]


def test_a_gene_differs_by_q_and_fold_change_and_one_without_q_does_not():
    genes = pd.DataFrame(
        {
            "gene": ["a", "b", "c", "d", "e", "f"],
            "q": [0.01, 0.01, 0.01, 0.05, 0.2, None],
            "log2_fold_change": [2.0, -1.5, 1.0, 3.0, 3.0, 3.0],
        }
    )

    def names(**rule: float) -> dict[str, list[str]]:
        return {way: list(genes["gene"][rows]) for way, rows in differing(genes, **rule).items()}

    assert names(q=0.05, log2_fold_change=0) == {"up": ["a", "c"], "down": ["b"]}
    assert names(q=0.05, log2_fold_change=1) == {"up": ["a"], "down": ["b"]}
    assert names(q=0.1, log2_fold_change=1.5) == {"up": ["a", "d"], "down": []}
    assert differing_in_words(q=0.05, log2_fold_change=0) == "q < 0.05"
    assert differing_in_words(q=0.1, log2_fold_change=1) == (
        "q < 0.1 and a log2 fold change beyond ±1"
    )
