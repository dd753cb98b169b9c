"""Comparisons cut by survival, and the block pathways: what does not go together."""

from typing import Any

import pytest

from histoniche.cohort.config import check_config
from histoniche.cohort.places import check_places, check_tables, fill_in_paths
from histoniche.errors import InputError

SETS = {"gene_sets": {"go": "go.gmt"}}


def study(*without: str, **blocks: Any) -> dict[str, Any]:
    whole = {
        "cohort": {"patients": "p.tsv"},
        "areas": {"path": "a.tsv", "columns": {"CT": "ct"}},
        "expression": {"path": "e.tsv"},
        "comparisons": {"risk": {"score": "CT", "cut": "survival"}, "idh": {"score": "LE"}},
        "differential": {},
        "survival": {},
        "survival_curves": {},
        "pathways": {"comparison": "risk", **SETS},
        **blocks,
    }
    return {name: block for name, block in whole.items() if name not in without}


def test_the_papers_rules_are_the_defaults() -> None:
    pathways = check_config(study(), file="c.yaml")["pathways"]
    assert pathways["differing"] == {"q": 0.25, "log2_fold_change": 0.1}
    assert (pathways["q"], pathways["correlation_q"]) == (0.05, 0.01)
    assert pathways["cut"]["rule"] == "maximal" and pathways["found_in"] == "training"


def test_a_comparison_by_survival_needs_no_areas() -> None:
    config = study("areas", survival={"genes": ["GJB2"]}, comparisons={
        "risk": {"score": "GJB2", "cut": "survival"}
    })  # fmt: skip
    assert check_config(config, file="c.yaml")["comparisons"]["risk"]["cut"] == "survival"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (study("survival_curves"), ["comparisons.risk.cut needs its cut-points"]),
        (
            study(survival_curves={"scores": ["LE"]}),
            ["comparisons.risk.cut, value 'CT'", "no cut-point", "name it there"],
        ),
        (
            study(comparisons={"risk": {"score": "CT", "cut": "median"}}),
            ["comparisons.risk.cut", "'median'"],
        ),
        (
            study(
                comparisons={"risk": {"mutation": "IDH1", "cut": "survival"}},
                mutations={"path": "m.maf"},
            ),
            ["comparisons.risk.cut", "no score"],
        ),
        (study(pathways={"comparison": "risc", **SETS}), ["'risc'", "did you mean risk?"]),
        (
            study(
                comparisons={"risk": {"covariate": "sex", "case": "M", "reference": "F"}},
                cohort={
                    "patients": "p.tsv",
                    "covariates": {"sex": {"type": "categorical", "reference": "F"}},
                },
            ),
            ["pathways.comparison, value 'risk'", "has no score"],
        ),
        (
            study(pathways={"comparison": "risk", "score": "LE", **SETS}),
            ["pathways.score, value 'LE'", "another score", "write CT"],
        ),
        (study(pathways={"comparison": "risk"}), ["pathways.gene_sets", "no gene sets"]),
        (
            study(pathways={"comparison": "risk", **SETS, "min_size": 9, "max_size": 8}),
            ["pathways.min_size"],
        ),
        (study("survival", "survival_curves"), ["survival", "the block pathways needs it"]),
        (
            study(pathways={"comparison": "risk", **SETS, "cohorts": {"a": {"expression": "x"}}}),
            ["pathways.cohorts.a.patients", "missing"],
        ),
        (
            study(
                pathways={
                    "comparison": "risk",
                    **SETS,
                    "cohorts": {"a": {"expression": "x", "patients": "x"}},
                }
            ),
            ["pathways.cohorts.a.patients", "same file"],
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_together_gives_one_line(config: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        check_config(config, file="c.yaml")
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_files_of_external_cohorts_are_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC", "/nowhere")
    cohorts = {"tcga": {"expression": "${PUBLIC}/e.tsv", "patients": "results/p.tsv"}}
    config = check_config(
        study(pathways={"comparison": "risk", **SETS, "cohorts": cohorts}), file="c.yaml"
    )
    filled = fill_in_paths(config, "c.yaml")
    assert filled["pathways"]["cohorts"]["tcga"]["expression"] == "/nowhere/e.tsv"
    with pytest.raises(InputError, match=r"cohorts\.tcga\.patients.*in the folder of results"):
        check_places(filled, "c.yaml")
    filled = {"pathways": {**filled["pathways"], "gene_sets": {}}}
    with pytest.raises(InputError, match=r"cohorts\.tcga\.expression.*no such file"):
        check_tables(filled, "c.yaml")
