"""Figures of survival, and the same in words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_gbsg2, load_lung

from drawings import beside, words
from histoniche.cohort.palette import Region
from histoniche.report.figures.cut_points import draw_cut_search
from histoniche.report.figures.kaplan_meier import Panel, draw_panels
from histoniche.report.figures.survival_scan import draw_survival_scan
from histoniche.report.survival_words import (
    comparison_in_words,
    scan_in_words,
    search_in_words,
)
from histoniche.survival.comparison import Comparison, compare_survival
from histoniche.survival.cut_points import Cut
from histoniche.survival.cut_scores import FrozenCut, cut_table, search_table
from histoniche.survival.gene_scan import scan_by_cox, scan_by_log_rank
from histoniche.survival.maximal_log_rank import MaximalLogRank, maximal_log_rank

Saved = Callable[[pd.DataFrame], Path]


@pytest.fixture
def by_sex() -> Comparison:
    lung = load_lung()
    sex = np.where(lung["sex"] == 2, "female", "male")
    return compare_survival(lung["time"], lung["status"], sex, order=("male", "female"))


@pytest.fixture
def search() -> MaximalLogRank:
    table = load_gbsg2()
    rng = np.random.default_rng(0)
    return maximal_log_rank(table["age"], table["time"], table["cens"], permutations=199, rng=rng)


@pytest.fixture(scope="module")
def scans() -> dict[str, pd.DataFrame]:
    """Two scans of 300 genes, the first twenty of which follow the hazard."""
    rng = np.random.default_rng(0)
    hazard = rng.normal(size=90)
    names = [f"P{k}" for k in range(90)]
    values = pd.DataFrame(rng.normal(size=(300, 90)), [f"G{k}" for k in range(300)], names)
    values.iloc[:10] += 2 * hazard
    values.iloc[10:20] -= 2 * hazard
    values.iloc[299] = 1.0
    time = rng.exponential(400 * np.exp(-1.5 * hazard))
    patients = pd.DataFrame({"time_days": time, "event": (rng.random(90) < 0.8) * 1}, names)
    return {"cox": scan_by_cox(values, patients), "log_rank": scan_by_log_rank(values, patients)}


def test_curves_say_sizes_medians_test_and_ratio(
    by_sex: Comparison, saved: Saved, tmp_path: Path
) -> None:
    out = tmp_path / "k.svg"
    draw_panels([Panel(*by_sex, "sex")], by_sex.curves, kaplan_meier=out)
    text = words(out)
    assert "Survival by sex, n = 228 patients, 165 deaths" in text
    assert "male: n 138, 112 deaths, median 270 d (210 to 306)" in text
    assert "Log-rank test: p 0.0013 (χ² 10.3, 1 df)" in text
    assert "Hazard ratio of female against male: 0.59 (0.42 to 0.82)" in text
    assert "median follow-up 588 d (511 to 821)" in text
    # At risk: survfit says 78 and 66 at 200 days.
    assert "Patients at risk" in text and "138 78 31" in text and "90 66 26" in text
    assert len(beside(out)) == len(by_sex.curves)


def test_many_groups_with_long_names_are_all_there(saved: Saved, tmp_path: Path) -> None:
    table = load_gbsg2()
    names = [f"Cluster {k}, of the kind that has a name much too long" for k in range(10)]
    groups = np.random.default_rng(0).choice(names, len(table))
    found = compare_survival(
        table["time"], table["cens"], groups, strata=table["menostat"], gamma=1
    )
    out = tmp_path / "k.svg"
    draw_panels([Panel(*found, "a cluster")], found.curves, kaplan_meier=out)
    text = words(out)
    assert all(text.count(f"Cluster {k}, of the kind that") == 2 for k in range(10))
    assert "much too long" not in text
    assert "Stratified weighted log-rank test (Fleming-Harrington, ρ 0, γ 1)" in text
    assert "Bands of many groups are in the table beside" in text


def test_no_group_is_said_in_words(by_sex: Comparison, saved: Saved, tmp_path: Path) -> None:
    out = tmp_path / "k.svg"
    draw_panels([], by_sex.curves.head(0), kaplan_meier=out)
    assert "There are no groups of patients" in words(out)


def test_two_patients_are_drawn(saved: Saved, tmp_path: Path) -> None:
    found = compare_survival([3, 5, 8], [1, 0, 1], ["a", "a", "b"])
    out = tmp_path / "k.svg"
    draw_panels([Panel(*found, "area")], found.curves, kaplan_meier=out)
    assert "b: n 1, 1 death, median 8 d" in words(out)


def cut_tables(**searches: MaximalLogRank) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scan and the cut-points of some scores, as the job leaves them."""
    cuts = {
        name: FrozenCut(Cut(found.cut, "maximal", found.n, found.events), range(found.n), found, "")
        for name, found in searches.items()
    }
    first = next(iter(searches.values()))
    settings = {"rule": "maximal", **{k: getattr(first, k) for k in ("min_share", "permutations")}}
    kinds = {name: "gene" if name.isupper() else "score" for name in cuts}
    return search_table(cuts), cut_table(cuts, kinds, settings=settings)


def test_search_shows_the_cut_and_only_corrected_p(
    search: MaximalLogRank, saved: Saved, palette: list[Region], tmp_path: Path
) -> None:
    out = tmp_path / "c.svg"
    scan, cuts = map(saved, cut_tables(age=search))
    draw_cut_search(scan, cuts, palette, measure="area_mm2", cut_search=out)
    text = words(out)
    assert "Search for a cut-point of the score age, n = 686 patients, 299 deaths" in text
    assert "25 cuts; best 42.0: 94 up to it, 592 above; those up to it die sooner" in text
    assert "by 199 permutations, p 0.094 after Lausen and Schumacher; q 0." in text
    assert "Lausen-Schumacher 3.05" in text
    assert f"permutation {search.critical_permutation:.2f}" in text
    assert "0.005" not in text, "the p before correction"
    assert len(beside(out)) == 25


def test_search_without_permutations_and_of_one_cut(
    saved: Saved, palette: list[Region], tmp_path: Path
) -> None:
    found = maximal_log_rank([0] * 5 + [1] * 5, np.arange(1, 11), [1] * 10)
    out = tmp_path / "c.svg"
    scan, cuts = map(saved, cut_tables(GJB2=found, RTN4=found))
    draw_cut_search(scan, cuts, palette, measure="area_mm2", cut_search=out)
    text = words(out)
    assert "permutation" not in text and text.count("1 cut; best") == 2
    assert "of the expression of GJB2" in text and "of the expression of RTN4" in text


def test_nothing_searched_is_said_in_words(
    search: MaximalLogRank, saved: Saved, palette: list[Region], tmp_path: Path
) -> None:
    scan, cuts = cut_tables(age=search)
    out = tmp_path / "c.svg"
    none = cuts.assign(statistic=np.nan)
    draw_cut_search(saved(scan.head(0)), saved(none), palette, measure="area_mm2", cut_search=out)
    assert "No score has a cut-point" in words(out)


@pytest.mark.parametrize("test", ["cox", "log_rank"])
def test_volcano_names_the_surest_genes_and_counts_the_others(
    scans: dict[str, pd.DataFrame], saved: Saved, tmp_path: Path, test: str
) -> None:
    table, out = scans[test], tmp_path / "v.svg"
    draw_survival_scan(saved(table), test=test, labelled=3, volcano=out)  # type: ignore[arg-type]
    text = words(out)
    sure = table[table["q"] < 0.05]
    worse = sure[sure["log_hazard"] > 0].sort_values("p")
    assert f"q &lt; 0.05: {len(worse)} worse, {len(sure) - len(worse)} better" in text
    assert all(gene in text.split() for gene in worse["gene"].head(3))
    assert worse["gene"].iloc[3] not in text.split()
    assert "Survival by 299 genes, one at a time, n = 90 patients" in text
    assert "1 gene without a test" in text
    assert len(beside(out)) == 300


def test_volcano_of_nothing_says_so(
    scans: dict[str, pd.DataFrame], saved: Saved, tmp_path: Path
) -> None:
    out = tmp_path / "v.svg"
    draw_survival_scan(saved(scans["cox"].assign(p=np.nan)), test="cox", labelled=3, volcano=out)
    assert "No gene could be tested" in words(out)
    null = scans["cox"].assign(q=0.9)
    draw_survival_scan(saved(null), test="cox", labelled=3, volcano=out)
    assert "0 worse, 0 better" in words(out)


def test_far_effects_are_drawn_on_the_edge_and_counted(
    scans: dict[str, pd.DataFrame], saved: Saved, tmp_path: Path
) -> None:
    table = pd.concat([scans["cox"].iloc[20:299]] * 10, ignore_index=True)
    table.loc[5, "log_hazard"] = 9.0
    out = tmp_path / "v.svg"
    draw_survival_scan(saved(table), test="cox", labelled=3, volcano=out)
    assert "1 gene beyond the edge, drawn on it" in words(out)


def test_comparison_in_words_has_all_that_a_methods_section_wants(by_sex: Comparison) -> None:
    assert comparison_in_words(by_sex.groups, what="sex") == (
        "Survival by sex in 228 patients, 165 deaths, median follow-up 588 d (511 to 821) by "
        "reverse Kaplan-Meier. Groups: male (n 138, 112 deaths, median survival 270 d (210 to "
        "306)) and female (n 90, 53 deaths, median survival 426 d (345 to 524)). Log-rank test: "
        "p 0.0013 (χ² 10.3, 1 df). Hazard ratio of female against male: 0.59 (0.42 to 0.82), "
        "Cox. Medians by Kaplan-Meier with 95\u00a0% intervals after Brookmeyer and Crowley."
    )


def test_comparison_in_words_says_what_cannot_be_said() -> None:
    times, groups = [1, 2, 3, 4], ["a", "a", "b", "b"]
    text = comparison_in_words(compare_survival(times, [1, 1, 0, 0], groups).groups, what="area")
    assert "Caution: nobody died in b; hazard ratio: no finite estimate" in text
    assert "median survival not reached" in text
    apart = compare_survival(times, [1] * 4, groups, strata=["x", "x", "y", "y"])
    text = comparison_in_words(apart.groups, what="area")
    assert "Stratified log-rank test: nothing to compare" in text
    assert "Caution: the groups were never at risk together" in text


def test_search_in_words_gives_the_corrected_p_alone(search: MaximalLogRank) -> None:
    text = search_in_words(search.summary().iloc[0].to_dict(), what="age")
    assert "686 patients, 299 deaths, with at least 10\u00a0% of them on either side" in text
    assert "statistic 2.81 at 42.0" in text
    assert "p 0.094 after Lausen and Schumacher" in text
    assert "0.0050" not in text


def test_scan_in_words_counts_genes_found_and_flagged(scans: dict[str, pd.DataFrame]) -> None:
    table = scans["log_rank"]
    text = scan_in_words(table, test="log_rank", level=0.05)
    worse, better = (((table["q"] < 0.05) & (s * table["log_hazard"] > 0)).sum() for s in (1, -1))
    assert text.startswith("299 genes were tested one by one for survival in 90 patients, ")
    assert f"{worse + better} genes have q < 0.05" in text
    assert f"in {worse} more is worse, in {better} better" in text
    assert "Flagged: the score does not vary (1)." in text
    assert (
        scan_in_words(table.assign(p=np.nan), test="cox", level=0.05) == "No gene could be tested."
    )
