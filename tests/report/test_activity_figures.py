"""The figures of activities: what they say, and that they do so whatever is missing."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drawings import words
from histoniche.omics.activity_correlation import correlate_activity
from histoniche.omics.activity_groups import compare_activity
from histoniche.report.figures.activity import (
    draw_activity_correlation,
    draw_activity_groups,
    leading,
)
from histoniche.report.figures.clustering import clustered
from histoniche.tables import write_table

PATIENTS = [f"P{i}" for i in range(24)]


def write(folder: Path, groups: dict[str, list[str]]) -> dict[str, Path]:
    """Activities of six sets, of which S3 goes with CT and is high in the mutated."""
    rng = np.random.default_rng(0)
    paths = {name: folder / f"{name}.parquet" for name in ("activity", "scores", "groups")}
    strength = np.linspace(-1, 1, len(PATIENTS))
    activity = pd.DataFrame(
        [
            (patient, "lib$", f"SET_{k}", "gsva", push if k == 3 else rng.normal(), 10)
            for patient, push in zip(PATIENTS, strength, strict=True)
            for k in range(6)
        ],
        columns=["patient", "library", "term", "method", "activity", "size"],
    )
    scores = {"CT": strength, "risk": rng.random(len(PATIENTS))}
    long = pd.DataFrame({"patient": PATIENTS, **scores}).melt("patient", var_name="score")
    rows = [
        (patient, grouping, names[place * len(names) // len(PATIENTS)])
        for grouping, names in groups.items()
        for place, patient in enumerate(PATIENTS)
    ]
    write_table(activity, paths["activity"])
    write_table(long, paths["scores"])
    columns = ["patient", "grouping", "group"]
    write_table(pd.DataFrame(rows, columns=columns), paths["groups"])
    paths |= {"correlation": folder / "correlation.parquet", "compared": folder / "cmp.parquet"}
    correlate_activity(paths["activity"], paths["scores"], correlation=paths["correlation"])
    compare_activity(
        paths["activity"],
        paths["groups"],
        comparison=paths["compared"],
        min_patients=5,
        confidence=0.95,
    )
    return paths


def test_heat_map_names_sets_scores_and_patients_and_marks_what_is_sure(tmp_path: Path) -> None:
    paths, figure = write(tmp_path, {"IDH1": ["mutated", "wild type"]}), tmp_path / "a.svg"
    draw_activity_correlation(paths["correlation"], top=3, figure=figure)
    text = words(figure)
    assert "SET 3 (lib$)" in text and "risk" in text and "n = 24 patients" in text
    assert "Dot: q &lt; 0.05" in text and "Grey" not in text
    drawn = pd.read_csv(figure.with_suffix(".tsv"), sep="\t")
    best = drawn[drawn["term"] == "SET_3"].set_index("score")
    assert best.loc["CT", "rho"] == pytest.approx(1)
    assert figure.with_suffix(".png").stat().st_size > 0


def test_heat_map_without_a_sure_pair_says_so(tmp_path: Path) -> None:
    paths, figure = write(tmp_path, {"IDH1": ["mutated", "wild type"]}), tmp_path / "a.svg"
    table = pd.read_parquet(paths["correlation"]).assign(q=0.9)
    table.loc[(table["score"] == "risk") & (table["term"] == "SET_3"), ["rho", "p", "q"]] = np.nan
    write_table(table, paths["correlation"])
    draw_activity_correlation(paths["correlation"], top=6, figure=figure)
    assert "No pair reaches it" in words(figure) and "Grey: nothing" in words(figure)
    write_table(table.assign(rho=np.nan, p=np.nan), paths["correlation"])
    draw_activity_correlation(paths["correlation"], top=6, figure=figure)
    assert "No activity goes with a score" in words(figure)


def test_boxes_hold_groups_sizes_effect_p_and_q(tmp_path: Path) -> None:
    groups = {"IDH1": ["wild type", "mutated"], "subtype": ["PN", "MS", "CL"]}
    paths, figure = write(tmp_path, groups), tmp_path / "g.svg"
    draw_activity_groups(
        paths["activity"], paths["groups"], paths["compared"], top=2, figure=figure
    )
    text = words(figure)
    assert "mutated n 12" in text and "MS n 8" in text and "SET 3 (lib$)" in text
    assert re.search(r"δ −1\.00 \(−1\.00 to −0\.5\d\), p 3\.7e-5, q 2\.2e-4", text)
    assert re.search(r"η² 0\.\d\d \(0\.\d\d to [01]\.\d\d\), p ", text)
    drawn = pd.read_csv(figure.with_suffix(".tsv"), sep="\t")
    assert len(drawn) == 4 * len(PATIENTS)
    assert drawn.groupby("grouping")["term"].nunique().to_dict() == {"IDH1": 2, "subtype": 2}


def test_boxes_without_a_test_say_so(tmp_path: Path) -> None:
    paths, figure = write(tmp_path, {"IDH1": ["wild type"]}), tmp_path / "g.svg"
    draw_activity_groups(
        paths["activity"], paths["groups"], paths["compared"], top=2, figure=figure
    )
    assert "No grouping has two groups" in words(figure)


def test_every_score_shows_its_first_term_before_any_shows_its_second() -> None:
    rows = [(s, "lib", f"{s}{k}", 1e-3 * (k + 1), 1e-2 * (k + 1)) for s in "AB" for k in range(5)]
    table = pd.DataFrame(rows, columns=["score", "library", "term", "p", "q"])
    assert list(leading(table, "score", 5, 4)["term"]) == ["A0", "B0", "A1", "B1"]
    assert list(leading(table, "score", 1, 4)["term"]) == ["A0", "B0"]


def test_alike_rows_stand_together() -> None:
    values = np.array([[1.0, 1], [-1, -1], [0.9, 1], [-1, -0.9]])
    order = clustered(values)
    assert sorted(order) == [0, 1, 2, 3]
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
    assert clustered(values[:2]) == [0, 1]
