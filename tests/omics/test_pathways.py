"""Gene sets behind a score: those planted are found, and none for a shuffled score."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.errors import InputError
from histoniche.omics.gene_sets import as_gmt
from histoniche.omics.pathways import (
    ACTIVITY,
    CORRELATION,
    correlate_activities,
    correlate_pathways,
    enriched,
)
from histoniche.omics.pearson import pearson
from histoniche.tables import read_table, write_table

PATIENTS = [f"P{number:02d}" for number in range(60)]
GENES = [f"G{number:03d}" for number in range(300)]
UP, DOWN = GENES[:20], GENES[20:40]
SETS = {
    "one": {"rises": [*UP[:15], *GENES[200:205]], "chance": GENES[100:120]},
    "two": {"falls": DOWN, "mixed": [*UP[:9], *DOWN[:9]], "other": GENES[150:180]},
}
RULE = {"q": 0.25, "log2_fold_change": 0.1}
Tables = dict[str, pd.DataFrame]


def planted(seed: int = 1) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """Log2 expression in which two groups of genes follow a score, and the score."""
    rng = np.random.default_rng(seed)
    score = pd.Series(rng.normal(size=len(PATIENTS)), PATIENTS)
    values = pd.DataFrame(rng.normal(5, 1, (len(GENES), len(PATIENTS))), GENES, PATIENTS)
    values.loc[UP] += score.to_numpy()
    values.loc[DOWN] -= score.to_numpy()
    return values, score


def compared(values: pd.DataFrame, score: "pd.Series[float]") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Groups above and below the median, and what a plain test finds between them."""
    score = score.reindex(PATIENTS)
    high = score > score.median()
    test = scipy.stats.ttest_ind(values.loc[:, high], values.loc[:, ~high], axis=1)
    change = values.loc[:, high].mean(axis=1) - values.loc[:, ~high].mean(axis=1)
    q = scipy.stats.false_discovery_control(np.nan_to_num(test.pvalue, nan=1))
    table = {"comparison": "risk", "gene": GENES, "log2_fold_change": change, "q": q}
    sides = np.where(high, "case", "reference")
    labels = np.where(high, "s high", "s low")
    groups = {"comparison": "risk", "patient": score.index, "group": sides, "label": labels}
    return pd.DataFrame(table), pd.DataFrame(groups)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Tables]:
    """Run the job."""

    def job(
        values: pd.DataFrame,
        score: "pd.Series[float]",
        /,
        differential: pd.DataFrame | None = None,
        **settings: Any,
    ) -> Tables:
        found, groups = compared(values, score)
        long = score.rename("value").rename_axis("patient").reset_index().assign(score="s")
        values.rename_axis("gene").reset_index().to_parquet(tmp_path / "expression.parquet")
        genes = pd.DataFrame({"gene": values.index, "detected": 60, "tested": True})
        for name, table in (
            *(("genes", genes), ("groups", groups), ("scores", long)),
            ("differential", found if differential is None else differential),
        ):
            write_table(table, tmp_path / f"{name}.parquet")
        libraries = {}
        for name, sets in SETS.items():
            libraries[name] = tmp_path / f"{name}.gmt"
            libraries[name].write_text(as_gmt({term: ("", own) for term, own in sets.items()}))
        inputs = {n: tmp_path / f"{n}.parquet" for n in ("genes", "differential", "groups")}
        names = ("enrichment", "activity", "correlation", "decisions")
        out = {name: tmp_path / f"{name}_out.parquet" for name in names}
        defaults: dict[str, Any] = {
            **{"comparison": "risk", "score": "s", "rule": RULE, "q": 0.05, "min_size": 5},
            **{"max_size": 500, "method": "gsva", "unit": "log2", "confidence": 0.95},
        }
        correlate_pathways(
            tmp_path / "expression.parquet",
            tmp_path / "scores.parquet",
            libraries,
            **inputs,
            **out,
            **defaults | settings,
        )
        return {name: read_table(path) for name, path in out.items()}

    return job


def test_planted_sets_are_enriched_and_go_with_the_score(run: Callable[..., Tables]) -> None:
    values, score = planted()
    found = run(values, score)
    table = found["correlation"].set_index("term")
    assert list(found["correlation"]) == list(CORRELATION)
    assert {"rises", "falls", "mixed"} <= set(table.index)
    assert table.loc["rises", "r"] > 0.7 and table.loc["falls", "r"] < -0.7
    assert table.loc["rises", "direction"] == "up" and table.loc["falls", "direction"] == "down"
    assert set(table.loc["mixed", "direction"].split(", ")) == {"up", "down"}
    assert table.loc["rises", "size"] == 20 and (table["n"] == 60).all()
    assert (table.loc[["rises", "falls"], "q"] < 1e-6).all()
    # As many genes rise as fall, so that the activity of the set says nothing.
    assert table.loc["mixed", "q"] > 0.01
    activity = found["activity"]
    assert list(activity) == list(ACTIVITY)
    assert len(activity) == len(table) * 60


def test_the_numbers_are_scipys_on_the_activities_that_were_written(
    run: Callable[..., Tables],
) -> None:
    values, score = planted()
    found = run(values, score)
    wide = found["activity"].pivot(index="term", columns="patient", values="activity")
    for row in found["correlation"].to_dict("records"):
        peer = scipy.stats.pearsonr(wide.loc[row["term"], PATIENTS], score)
        low, high = peer.confidence_interval(0.95)
        assert row["r"] == pytest.approx(peer.statistic, abs=1e-12)
        assert row["p"] == pytest.approx(peer.pvalue, rel=1e-9)
        assert (row["r_low"], row["r_high"]) == pytest.approx((low, high), abs=1e-12)
    q = scipy.stats.false_discovery_control(found["correlation"]["p"])
    np.testing.assert_allclose(found["correlation"]["q"], q)


def test_what_was_decided_is_counted(run: Callable[..., Tables]) -> None:
    found = run(*planted())
    count = found["decisions"].set_index("item")["count"]
    assert count["s high"] == count["s low"] == 30
    assert count["genes tested"] == 300
    assert count["genes up"] >= 20 and count["genes down"] >= 20
    sure = found["correlation"]["library"].value_counts()
    assert count["one: enriched sets"] == sure["one"]
    assert count["two: enriched sets"] == sure["two"]
    assert count["patients with expression and the score"] == 60


def test_a_shuffled_score_passes_nothing(run: Callable[..., Tables]) -> None:
    rng = np.random.default_rng(5)
    values, score = planted()
    passed = 0
    for _ in range(8):
        shuffled = pd.Series(rng.permutation(score), PATIENTS)
        # The sets of the true score, as if they had been chosen without it.
        found = run(values, score)["activity"]
        wide = found.pivot(index=["library", "term"], columns="patient", values="activity")
        table = correlate_activities(wide, shuffled, confidence=0.95)
        passed += int((table["q"] < 0.01).sum())
    assert passed == 0
    values = pd.DataFrame(rng.normal(5, 1, values.shape), GENES, PATIENTS)
    found = run(values, score)
    assert found["correlation"].empty and found["activity"].empty
    assert list(found["correlation"]) == list(CORRELATION)


def test_without_a_differing_gene_nothing_is_enriched(run: Callable[..., Tables]) -> None:
    values, score = planted()
    table = compared(values, score)[0].assign(q=1.0)
    found = run(values, score, differential=table)
    assert all(found[name].empty for name in ("enrichment", "activity", "correlation"))
    assert found["decisions"].set_index("item")["count"]["genes up"] == 0


def test_counts_are_scored_on_the_log_scale(run: Callable[..., Tables]) -> None:
    values, score = planted()
    linear = np.exp2(values) - 1
    table = compared(values, score)[0]
    logs = run(values, score, differential=table)["activity"]
    same = run(linear, score, differential=table, unit="counts")["activity"]
    np.testing.assert_allclose(logs["activity"], same["activity"], atol=1e-9)


def test_who_has_no_score_is_left_out_of_the_correlation_alone(run: Callable[..., Tables]) -> None:
    values, score = planted()
    table = compared(values, score)[0]
    found = run(values, score[:40], differential=table)
    assert (found["correlation"]["n"] == 40).all()
    assert found["activity"]["patient"].nunique() == 60


def test_constant_genes_are_left_out_of_their_sets(run: Callable[..., Tables]) -> None:
    values, score = planted()
    table = compared(values, score)[0]
    values.loc[UP[:5]] = 3.0
    found = run(values, score, differential=table)["correlation"].set_index("term")
    assert found.loc["rises", "size"] == 15


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"score": "t"}, r"pathways\.score, value 't': no such score; choose among s$"),
        ({"comparison": "age"}, r"pathways\.comparison, value 'age': no gene .* among risk$"),
    ],
)
def test_what_is_not_there_is_one_line(
    run: Callable[..., Tables], settings: dict[str, str], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        run(*planted(), **settings)


def test_too_few_patients_are_one_line(run: Callable[..., Tables]) -> None:
    values, score = planted()
    score[9:] = np.nan
    with pytest.raises(InputError, match="only 9 patients have both expression and this score"):
        run(values, score, differential=compared(*planted())[0])


def test_a_set_in_both_directions_is_enriched_once_with_its_smallest_q() -> None:
    rows = [("up", "a", "x", 0.01), ("down", "a", "x", 0.02), ("up", "a", "y", 0.2)]
    table = pd.DataFrame(rows, columns=["direction", "library", "term", "q"])
    assert enriched(table, q=0.05).to_numpy().tolist() == [["a", "x", "up, down", 0.01]]


def test_pearson_equals_scipy_and_says_nothing_of_what_does_not_vary() -> None:
    rng = np.random.default_rng(3)
    rows, score = rng.normal(size=(40, 9)), rng.normal(size=9)
    rows[0], rows[1], rows[2] = 4.0, 2 * score, -score
    found = pearson(rows, score, confidence=0.9)
    assert np.isnan(found.r[0]) and np.isnan(found.p[0])
    assert found.r[1:3] == pytest.approx([1, -1]) and found.p[1] < 1e-12
    for k in range(3, 40):
        peer = scipy.stats.pearsonr(rows[k], score)
        assert found.r[k] == pytest.approx(peer.statistic, abs=1e-12)
        assert found.p[k] == pytest.approx(peer.pvalue, rel=1e-9)
        interval = peer.confidence_interval(0.9)
        assert (found.low[k], found.high[k]) == pytest.approx(tuple(interval), abs=1e-12)
    assert np.isnan(pearson(rows, np.ones(9), confidence=0.9).r).all()
