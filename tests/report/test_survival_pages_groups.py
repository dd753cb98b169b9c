"""Sections of the summary page on survival by scores, by covariates and by every gene."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drawings import words as drawn_words
from histoniche.cohort.config import check_config
from histoniche.cohort.palette import Region
from histoniche.report.figures import survival_groups
from histoniche.report.figures.cut_points import draw_cut_search
from histoniche.report.figures.survival_groups import (
    draw_covariate_groups,
    draw_score_groups,
    draw_stated_groups,
)
from histoniche.report.page import write_summary
from histoniche.survival.covariate_groups import compare_covariates
from histoniche.survival.gene_scan import scan_by_cox, scan_by_log_rank
from histoniche.survival.score_groups import compare_scores
from histoniche.survival.stated_groups import compare_stated
from histoniche.tables import read_table, write_table
from page_numbers import check_numbers, run_of

Page = Callable[..., str]
DECLARED = {
    "sex": {"type": "categorical", "reference": "male"},
    "grade": {"type": "categorical", "reference": "I"},
}


def settings_of(**blocks: Any) -> dict[str, Any]:
    """A configuration with its defaults, and these blocks."""
    areas = {"path": "a.tsv", "columns": {"CT": "ct"}}
    cohort = {"patients": "p.tsv", "covariates": DECLARED}
    survival = {"survival": {}, "expression": {"path": "e.tsv", "unit": "counts"}}
    return check_config({"cohort": cohort, "areas": areas, **survival, **blocks}, file="c.yaml")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety patients, sixty of whom train: CTmvp shortens survival, grade too, HTI does not."""
    folder = tmp_path_factory.mktemp("groups")
    rng = np.random.default_rng(2)
    names = [f"P{k}" for k in range(90)]
    scores = pd.DataFrame(rng.gamma(2, 1, (90, 3)), names, ["CTmvp", "GJB2", "HTI"])
    grade = rng.integers(0, 3, 90)
    risk = 1.2 * np.log(scores["CTmvp"].to_numpy()) + 0.8 * grade
    patients = pd.DataFrame(
        {
            "patient": names,
            "time_days": np.ceil(rng.exponential(600 * np.exp(-risk))),
            "event": pd.array((rng.random(90) < 0.8) * 1, "Int64"),
            "sex": np.where(rng.random(90) < 0.5, "male", "female"),
            "grade": np.array(["I", "II", "III"])[grade],
        }
    )
    write_table(patients, folder / "patients.parquet")
    cohorts = ["training"] * 60 + ["internal validation"] * 30
    write_table(pd.DataFrame({"patient": names, "cohort": cohorts}), folder / "cohorts.parquet")
    kinds = {"CTmvp": "area", "GJB2": "gene", "HTI": "score", "flat": "score"}
    long = scores.assign(flat=1.0).rename_axis("patient").reset_index()
    long = long.melt("patient", var_name="score")
    write_table(long.assign(kind=long["score"].map(kinds)), folder / "scores.parquet")
    return folder


@pytest.fixture
def page(cohort: Path, palette: list[Region], tmp_path: Path) -> Page:
    """The page of a run with these blocks, drawn and written from the jobs' own tables."""

    def write(**blocks: Any) -> str:
        settings = settings_of(**blocks)
        files: dict[str, Any] = {"patients": cohort / "patients.parquet", "figures": []}
        inputs = {name: cohort / f"{name}.parquet" for name in ("patients", "scores", "cohorts")}
        curves = settings.get("survival_curves")
        if curves:
            how = {key: curves[key] for key in ("bands", "rho", "gamma", "strata")}
            manner = how | {"confidence": 0.95}
            keys = {"cuts": "cut_points", "search": "cut_search", "groups": "score_groups"}
            out = {k: tmp_path / f"{v}.parquet" for k, v in keys.items()}
            out["curves"] = tmp_path / "score_curves.parquet"
            compare_scores(
                *inputs.values(), **out, named=curves["scores"], cut=curves["cut"], manner=manner,
                seed=1,
            )  # fmt: skip
            figure = tmp_path / "score_groups.svg"
            draw_score_groups(
                out["groups"], out["curves"], out["cuts"], palette, measure="area_mm2",
                score_groups=figure,
            )  # fmt: skip
            files["figures"].append(figure)
            if curves["cut"]["rule"] == "maximal":
                figure = tmp_path / "cut_search.svg"
                draw_cut_search(
                    out["search"], out["cuts"], palette, measure="area_mm2", cut_search=figure
                )
                files["figures"].append(figure)
            files |= {path.stem: path for path in out.values()}
            if curves["stated"]:
                out = {name: tmp_path / f"stated_{name}.parquet" for name in ("groups", "curves")}
                compare_stated(*inputs.values(), **out, stated=curves["stated"], manner=manner)
                figure = tmp_path / "stated_groups.svg"
                draw_stated_groups(*out.values(), palette, measure="area_mm2", stated_groups=figure)
                files["figures"].append(figure)
                files |= {path.stem: path for path in out.values()}
            if curves["groups"]:
                names = ("groups", "curves", "pairs", "trends")
                out = {name: tmp_path / f"covariate_{name}.parquet" for name in names}
                compare_covariates(
                    inputs["patients"], inputs["cohorts"], **out, named=curves["groups"],
                    declared=DECLARED, orders=curves["orders"], correction=curves["correction"],
                    manner=manner,
                )  # fmt: skip
                figure = tmp_path / "covariate_groups.svg"
                draw_covariate_groups(out["groups"], out["curves"], covariate_groups=figure)
                files["figures"].append(figure)
                files |= {path.stem: path for path in out.values()}
        for test in settings.get("gene_survival", {}).get("tests", []):
            files[f"genes_{test}"] = tmp_path / f"genes_{test}.parquet"
            write_table(scan(test), files[f"genes_{test}"])
        write_summary(tmp_path / "s.html", results=files, settings=settings, palette=palette)
        text = (tmp_path / "s.html").read_text(encoding="utf-8")
        check_numbers(text, run_of(files, settings, tmp_path))
        return text

    return write


def scan(test: str) -> pd.DataFrame:
    """A scan of twelve genes of which G0 shortens survival, G1 prolongs it and G2 is constant."""
    rng = np.random.default_rng(0)
    values = pd.DataFrame(rng.normal(size=(12, 80)), [f"G{k}" for k in range(12)])
    values.loc["G2"] = 1.0
    risk = 1.5 * (values.loc["G0"] - values.loc["G1"])
    patients = pd.DataFrame({"time_days": rng.exponential(np.exp(-risk)), "event": 1})
    return {"cox": scan_by_cox, "log_rank": scan_by_log_rank}[test](values, patients)


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def cells_of(text: str, title: str) -> list[list[str]]:
    """Cells of the table under a title."""
    start = text.index(f">{title}<")
    rows = re.findall(r"<tr>(.*?)</tr>", text[start : text.index("</table>", start)], re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in cells if row]


def test_scores_divide_both_cohorts_at_the_training_median(page: Page, tmp_path: Path) -> None:
    text = page(survival_curves={"scores": ["CTmvp", "HTI", "flat"]})
    cuts = read_table(tmp_path / "cut_points.parquet").set_index("score")
    groups = read_table(tmp_path / "score_groups.parquet").set_index(["score", "cohort", "group"])
    rows = cells_of(text, "Groups by score")
    mine = [row for row in rows if row[0] == "area of microvascular proliferation (CTmvp)"]
    assert [row[1] for row in mine] == ["training"] * 2 + ["internal validation"] * 2
    assert mine[0][2] == f"up to {cuts.loc['CTmvp', 'cut']:.2f}" and mine[0][3] == "30"
    high = groups.loc[("CTmvp", "internal validation", "high")]
    assert f"{high['hazard_ratio']:.2f} ({high['hazard_low']:.2f} to " in mine[3][6]
    training = groups.loc[("CTmvp", "training", "high")]
    assert training["hazard_low"] > 1 and training["q"] < 0.05
    assert "0 of 60 patients are above the cut" in words(text)
    assert "Survival by score HTI, training cohort (cut at " in words(text)
    assert "the median of 60 training patients) in 60 patients" in words(text)
    assert "searched for" not in words(text)
    assert "Scores divided the patients at the median, found in the training" in words(text)
    figure = drawn_words(tmp_path / "score_groups.svg")
    assert figure.count("Hazard ratio of high against low") == 4
    assert "internal validation cohort" in figure and "2 comparisons more in the table" in figure


def test_a_searched_cut_is_told_with_corrected_p_and_tested_elsewhere(
    page: Page, tmp_path: Path
) -> None:
    cut = {"rule": "maximal", "permutations": 199}
    text = page(survival_curves={"scores": ["CTmvp", "HTI"], "cut": cut})
    rows = cells_of(text, "Groups by score")
    mine = [row for row in rows if "CTmvp" in row[0]]
    assert [row[7] for row in mine][:2] == ["–", "–"] and mine[2][7] != "–"
    assert [row[6] for row in mine][:2] == ["–", "–"] and mine[2][6] != "–"
    plain = words(text)
    assert "only the p corrected for the search counts" in plain
    assert "then tested in the cohorts: internal validation" in plain
    assert "No log-rank test: the cut was searched for in these patients" in plain
    assert "p 0.0050 by 199 permutations" in plain
    assert "and by 199 permutations" in plain
    figure = drawn_words(tmp_path / "score_groups.svg")
    assert "Corrected for the search: p 0.0050 by 199 permutations" in figure
    assert figure.count("Log-rank test: p") == 2, "of the other cohort alone"
    # The uncorrected p is nowhere, neither in a table nor in a figure's table.
    for file in tmp_path.glob("*.tsv"):
        assert "uncorrected" not in file.read_text()
    search = read_table(tmp_path / "cut_search.parquet")
    assert search["score"].unique().tolist() == ["CTmvp", "HTI"]


def test_levels_pairs_and_trends_stand_in_tables(page: Page, tmp_path: Path) -> None:
    order = {"grade": ["I", "II", "III"]}
    text = page(
        survival_curves={"scores": ["HTI"], "groups": ["sex", "grade"], "orders": order, "rho": 1}
    )
    rows = cells_of(text, "Groups by covariate")
    assert len(rows) == 10
    assert [row[2] for row in rows[:2]] == ["male", "female"]
    pairs = cells_of(text, "Pairs of levels, log-rank tests")
    assert len(pairs) == 6 and {row[0] for row in pairs} == {"grade"}
    trend = cells_of(text, "Trend over ordered levels")[0]
    assert trend[2] == "I &lt; II &lt; III" and float(trend[4]) > 2
    plain = words(text)
    assert "Corrected by Holm over the pairs" in plain
    assert "Weighted log-rank test (Fleming-Harrington, ρ 1, γ 0): p" in plain
    assert "weighted log-rank tests (Fleming-Harrington, ρ 1, γ 0)" in plain


def test_stated_limits_are_told_with_who_was_left_out(page: Page, tmp_path: Path) -> None:
    stated = {"HTI": [[0.5, 0.5], [1, 2.5]], "CTmvp": [[1.25, 1.25]], "flat": [[0, 2]]}
    text = page(survival_curves={"scores": ["HTI"], "stated": stated})
    groups = read_table(tmp_path / "stated_groups.parquet")
    rows = cells_of(text, "Groups by stated limits")
    mine = [row for row in rows if row[0] == "score HTI" and row[2] in ("up to 1", "above 2.5")]
    assert [row[1] for row in mine] == ["training"] * 2 + ["internal validation"] * 2
    apart = groups[(groups["score"] == "HTI") & (groups["above"] == 2.5)]
    assert [row[3] for row in mine] == [str(n) for n in apart["n"]]
    assert [row[5] for row in mine] == [str(n) for n in apart["n_between"]]
    between, low, high = apart["n_between"].iloc[0], *apart["n"][:2]
    assert between + low + high == 60 and between > 0
    plain = words(text)
    assert (
        "Survival by score HTI, training cohort (up to 1 against above 2.5, stated in advance; "
        f"{between} patients between left out) in {low + high} patients"
    ) in plain
    assert "(CTmvp), training cohort (up to 1.25 mm² against above 1.25 mm², stated in" in plain
    assert "score HTI up to 0.5 against above 0.5; score HTI up to 1 against above 2.5" in plain
    # Everybody stands between the limits of a score that does not vary.
    assert [row[2:6] for row in rows if row[0] == "score flat"] == [
        ["", "0", "0", "60"],
        ["", "0", "0", "30"],
    ]
    figure = drawn_words(tmp_path / "stated_groups.svg")
    assert figure.count("Survival by score HTI, up to 1 against above 2.5") == 2
    assert f"Limits stated in advance, {between} patients between left out" in figure
    assert "2 comparisons more in the table" in figure


def test_without_stated_limits_nothing_is_said_of_them(page: Page) -> None:
    text = page(survival_curves={"scores": ["HTI"]})
    assert "By score" in text and "stated" not in text


def test_limits_between_which_everybody_stands_are_drawn_as_a_notice(
    page: Page, tmp_path: Path
) -> None:
    page(survival_curves={"scores": ["HTI"], "stated": {"flat": [[0, 2]]}})
    drawn = drawn_words(tmp_path / "stated_groups.svg")
    assert "There are no groups of patients to compare." in drawn


def test_more_comparisons_than_can_be_read_are_in_the_table(
    cohort: Path, palette: list[Region], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survival_groups, "_MOST_PANELS", 5)
    rng = np.random.default_rng(0)
    sheet = read_table(cohort / "patients.parquet")
    wide = pd.DataFrame(rng.random((90, 30)), columns=[f"S{k}" for k in range(30)])
    long = wide.assign(patient=sheet["patient"]).melt("patient", var_name="score")
    write_table(long.assign(kind="score"), tmp_path / "scores.parquet")
    out = {name: tmp_path / f"{name}.parquet" for name in ("cuts", "search", "groups", "curves")}
    compare_scores(
        cohort / "patients.parquet", tmp_path / "scores.parquet", cohort / "cohorts.parquet",
        **out, named=[], cut={"rule": "median", "min_share": 0.1, "permutations": 0, "level": 0.05},
        manner={}, seed=1,
    )  # fmt: skip
    figure = tmp_path / "f.svg"
    tables = out["groups"], out["curves"], out["cuts"]
    draw_score_groups(*tables, palette, measure="pixels", score_groups=figure)
    text = drawn_words(figure)
    # Two scores in both cohorts, those of the smallest p.
    best = read_table(out["groups"]).groupby("score")["p"].min().nsmallest(2).index
    assert text.count("Survival by score S") == 4
    assert all(text.count(f"Survival by score {score},") == 2 for score in best)
    assert "56 comparisons more in the table" in text


def test_genes_are_listed_by_direction_with_what_was_flagged(page: Page) -> None:
    text = page(gene_survival={})
    assert cells_of(text, "Leading genes: Cox&#39;s regression")[0][:2] == ["G0", "shorter"]
    rows = cells_of(text, "Leading genes: Log-rank test")
    assert ["G1", "longer"] in [row[:2] for row in rows]
    plain = words(text)
    assert "11 genes were tested one by one" in plain and "2 genes have q &lt; 0.05" in plain
    assert "Flagged: the score does not vary (1)." in plain
    assert "Every gene was set against survival alone in the training cohort, by Cox" in plain


def test_without_their_blocks_the_methods_say_so(page: Page) -> None:
    text = page()
    assert "Survival of groups (no <code>survival_curves</code> block)" in text
    assert "Survival by every gene (no <code>gene_survival</code> block)" in text
    assert 'id="survival_groups"' not in text and 'id="gene_survival"' not in text
