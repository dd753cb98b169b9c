"""The section and the figures on the gene sets behind a score."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drawings import beside, words
from histoniche.cohort.palette import Region
from histoniche.omics.pathways import CORRELATION
from histoniche.report.figures.pathways import draw_pathway_heat_map, draw_pathway_survival
from histoniche.report.page import render
from histoniche.report.results import Results
from histoniche.report.sections.methods import methods_section
from histoniche.report.sections.pathway_methods import pathway_methods
from histoniche.report.sections.pathways import pathways_section
from histoniche.survival.cohort_comparison import Manner, compare_in_cohorts
from histoniche.survival.score_groups import SEARCHED
from histoniche.tables import write_table

PATIENTS = [f"P{number:02d}" for number in range(24)]
SETTINGS: dict[str, Any] = {
    "pathways": {
        **{"comparison": "risk", "differing": {"q": 0.25, "log2_fold_change": 0.1}},
        **{"q": 0.05, "correlation_q": 0.01, "min_size": 5, "max_size": 500, "method": "gsva"},
        **{"signed": False, "found_in": "training"},
        "cut": {"rule": "maximal", "min_share": 0.1},
        "cohorts": {"tcga": {"normalise": "own"}, "cgga": {"normalise": "training"}},
    },
    "comparisons": {"risk": {"score": "dls", "cut": "survival"}},
    "survival": {"confidence": 0.95},
}
Tables = dict[str, pd.DataFrame]


def correlation(*, passed: bool = True) -> pd.DataFrame:
    rows = [
        ("go", "Cell_cycle", "up", 0.002, 40, 0.71, 0.45, 0.86, 1e-5, 3e-5),
        ("kegg", "Adhesion", "up, down", 0.01, 25, -0.66, -0.84, -0.35, 4e-4, 6e-4),
        ("go", "Synapse", "down", 0.03, 31, 0.2, -0.2, 0.6, 0.3, 0.3),
    ]
    names = ["library", "term", "direction", "enrichment_q", "size", "r", "r_low", "r_high"]
    table = pd.DataFrame(rows, columns=[*names, "p", "q"])
    table = table.assign(score="dls", method="gsva", n=24, confidence=0.95)
    return (table if passed else table.assign(q=0.5))[list(CORRELATION)]


def compared() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Groups and curves of three cohorts, in the first of which the cut was searched for."""
    groups, curves = [], []
    for k, (origin, name) in enumerate(
        [("study", "training"), ("external", "tcga"), ("external", "cgga")]
    ):
        rng = np.random.default_rng(k)
        high = np.arange(60) % 2 == 0
        rate = np.where(high & (name != "cgga"), 1 / 300, 1 / 900)
        times = rng.exponential(1 / rate).clip(1)
        frame = pd.DataFrame({"time_days": times, "event": 1}, [f"{name}{j}" for j in range(60)])
        found = compare_in_cohorts(
            frame,
            pd.Series(np.where(high, "high", "low"), frame.index),
            pd.Series(name, frame.index),
            order=("low", "high"),
            manner=Manner(),
            untested={"training": SEARCHED},
        )
        groups.append(found.groups.assign(origin=origin, cut=0.31, q=2 * found.groups["p"]))
        curves.append(found.curves.assign(origin=origin))
    return pd.concat(groups, ignore_index=True), pd.concat(curves, ignore_index=True)


def cut(**changes: Any) -> pd.DataFrame:
    row = {
        **{"score": "pathway_expression", "kind": "score", "rule": "maximal", "cut": 0.31},
        **{"n": 60, "events": 60, "min_share": 0.1, "statistic": 3.2, "permutations": 999},
        **{"q": 0.02, "p_permutation": 0.02, "p_lausen_schumacher": 0.03, "note": ""},
    }
    return pd.DataFrame([{**row, **changes}])


def tables(**changes: pd.DataFrame) -> Tables:
    groups, curves = compared()
    members = {"gene": ["A", "B"], "weight": [1, -1], "mean": 1.0, "deviation": 1.0}
    decided = {"step": ["genes"], "item": "genes up", "count": [1234], "detail": "q < 0.25"}
    return {
        "pathway_correlation": correlation(),
        "pathway_genes": pd.DataFrame({**members, "sets": 1, "terms": "x"}),
        "pathway_decisions": pd.DataFrame(decided),
        "pathway_cut": cut(),
        "pathway_groups": groups,
        "pathway_curves": curves,
        **changes,
    }


@pytest.fixture
def results(
    saved: Callable[[pd.DataFrame], Path], palette: list[Region]
) -> Callable[[Tables], Results]:
    def make(found: Tables) -> Results:
        return Results({name: saved(one) for name, one in found.items()}, SETTINGS, palette)

    return make


@pytest.fixture
def text(results: Callable[[Tables], Results]) -> Callable[[Tables], str]:
    def read(found: Tables) -> str:
        page = render([pathways_section(results(found))], study={})
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))

    return read


def test_sets_stand_there_with_n_interval_p_and_q(text: Callable[[Tables], str]) -> None:
    page = text(tables())
    assert re.search(
        r"Cell cycle go up 0\.0020 40 24 0\.71 \(0\.45 to 0\.86\) 1\.0e-5 3\.0e-5", page
    )
    assert re.search(r"Adhesion kegg up, down 0\.010 25 24 −0\.66 \(−0\.84 to −0\.35\)", page)
    assert "Synapse" not in page
    assert "2 of 3 enriched sets go along with the score at q &lt; 0.01, 1 of them against" in page
    assert "genes up 1,234 q &lt; 0.25" in page
    assert "chosen by the score in the same patients" in page
    assert "1 gene counts negatively" in page


def test_the_external_cohorts_are_the_test(text: Callable[[Tables], str]) -> None:
    page, found = text(tables()), tables()["pathway_groups"]
    first = found[found["cohort"] == "tcga"].iloc[0]
    assert first["hazard_low"] > 1
    ratio = f"{first['hazard_ratio']:.2f} ({first['hazard_low']:.2f} to {first['hazard_high']:.2f})"
    assert ratio in page
    assert "those above it die sooner in 1 of 2 external cohorts" in page
    assert "external cohort tcga (frozen at 0.310) in 60 patients" in page
    assert SEARCHED in page and "p 0.020 by 999 permutations" in page
    alone = found[found["origin"] == "study"]
    assert "no external cohort here" in text(tables(pathway_groups=alone))


def test_nothing_found_is_said(text: Callable[[Tables], str]) -> None:
    none = pd.DataFrame(columns=list(tables()["pathway_genes"]))
    page = text(tables(pathway_correlation=correlation()[:0], pathway_genes=none))
    assert "No gene set is enriched" in page and "there is no mean" in page
    page = text(tables(pathway_correlation=correlation(passed=False), pathway_genes=none))
    assert "0 of 3 enriched sets go along" in page and "The surest of the others" in page
    page = text(tables(pathway_cut=cut(cut=np.nan, note="fewer than 5 patients")))
    assert "The mean has no cut-point: fewer than 5 patients." in page


def test_without_its_block_there_is_no_section(
    results: Callable[[Tables], Results],
) -> None:
    section = pathways_section(results({}))
    assert section.missing == "no `pathways` block" and not section.blocks


def test_methods_name_rules_scale_and_source(results: Callable[[Tables], Results]) -> None:
    told = " ".join(pathway_methods(results(tables())))
    for part in (
        "its cut-point by survival in the training cohort",
        "q < 0.25 and a log2 fold change beyond ±0.1",
        "GSVA",
        "q < 0.01",
        "tcga (genes by their own means and deviations)",
        "cgga (genes by the study's means and deviations)",
        "p corrected for the search",
        "0 by construction",
    ):
        assert part in told
    assert not list(pathway_methods(results({})))
    patients = pd.DataFrame({"patient": ["A"], "time_days": [1.0], "event": [1]})
    page = render([methods_section(results(tables(patients=patients)))], study={})
    assert "EBioMedicine 2021;72:103583" in page and "GSVA: gene set variation" in page


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    """Draw the heat map of these correlations."""

    def draw(table: pd.DataFrame) -> Path:
        score = np.linspace(-1, 1, 24)
        rows = [
            (patient, row.library, row.term, "gsva", row.r * value + 0.01 * k, row.size)
            for row in correlation().itertuples()
            for k, (patient, value) in enumerate(zip(PATIENTS, score, strict=True))
        ]
        names = ["patient", "library", "term", "method", "activity", "size"]
        sides = np.where(score > 0.2, "case", "reference")
        labels = np.where(score > 0.2, "dls high", "dls low")
        files = {
            "activity": pd.DataFrame(rows, columns=names),
            "correlation": table,
            "scores": pd.DataFrame(
                {"patient": PATIENTS[::-1], "score": "dls", "value": score[::-1]}
            ),
            "groups": pd.DataFrame(
                {"comparison": "risk", "patient": PATIENTS, "group": sides, "label": labels}
            ),
        }
        for name, one in files.items():
            write_table(one, tmp_path / f"{name}.parquet")
        figure = tmp_path / "heat.svg"
        inputs = [tmp_path / f"{name}.parquet" for name in files]
        draw_pathway_heat_map(*inputs, comparison="risk", q=0.01, figure=figure)
        return figure

    return draw


def test_the_heat_map_has_the_sets_by_r_and_the_patients_by_score(
    drawn: Callable[[pd.DataFrame], Path],
) -> None:
    figure = drawn(correlation())
    table = beside(figure)
    assert table["term"].tolist() == ["Cell_cycle", "Adhesion"]
    assert list(table)[2:] == PATIENTS
    first, second = table[PATIENTS].to_numpy()
    assert first[0] < -1 < 1 < first[-1] and second[0] > 0 > second[-1]
    said = words(figure)
    assert "0.71 (0.45 to 0.86), q 3.0e-5" in said and "Synapse" not in said
    assert "dls high" in said and "dls low" in said


def test_where_nothing_goes_along_the_heat_map_says_so(
    drawn: Callable[[pd.DataFrame], Path],
) -> None:
    said = words(drawn(correlation(passed=False)))
    assert "No gene set goes along with the score." in said
    said = words(drawn(correlation()[:0]))
    assert "No gene set is enriched between its groups." in said


def test_every_cohort_has_its_panel_the_external_ones_first(tmp_path: Path) -> None:
    groups, curves = compared()
    for name, table in {"groups": groups, "curves": curves, "cuts": cut()}.items():
        write_table(table, tmp_path / f"{name}.parquet")
    inputs = [tmp_path / f"{name}.parquet" for name in ("groups", "curves", "cuts")]
    draw_pathway_survival(*inputs, figure=tmp_path / "survival.svg")
    said = words(tmp_path / "survival.svg")
    places = [said.index(part) for part in ("cohort tcga", "cohort cgga", "cohort training")]
    assert places == sorted(places)
    assert "found in 60 other patients and frozen" in said
    assert "searched for in these patients" in said
