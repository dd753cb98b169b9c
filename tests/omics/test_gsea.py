"""Gene set enrichment over all genes, ranked."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.omics.gsea import DTYPES, enrich_rankings, preranked
from histoniche.tables import read_table, write_table


def ranking_of(scores: np.ndarray, pattern: str = "gene-{}") -> "pd.Series[float]":
    genes = [pattern.format(i) for i in range(1, len(scores) + 1)]
    return pd.Series(np.sort(scores)[::-1], index=genes)


def running_sum(ranking: "pd.Series[float]", members: Collection[str]) -> np.ndarray:
    """Subramanian's running sum, gene by gene, written from the paper."""
    inside = np.array([gene in members for gene in ranking.index])
    gains = np.where(inside, np.abs(ranking.to_numpy()), 0)
    return np.cumsum(gains / gains.sum() - ~inside / (~inside).sum())


def extreme(sums: np.ndarray) -> float:
    high, low = max(sums.max(), 0), min(sums.min(), 0)
    return float(high if high >= -low else low)


def random_sets(genes: Collection[str], number: int, seed: int) -> dict[str, set[str]]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(8, 60, number)
    return {f"S{k}": set(rng.choice(list(genes), sizes[k], replace=False)) for k in range(number)}


@pytest.mark.parametrize("pattern", ["GENE{}", "gene-{}", "{}", "Trp{}"])
@pytest.mark.parametrize("decimals", [9, 1])
def test_score_and_leading_edge_are_those_of_a_running_sum_made_by_hand(
    pattern: str, decimals: int
) -> None:
    scores = np.random.default_rng(1).normal(0, 0.3, 300).round(decimals)
    ranking = ranking_of(scores, pattern)
    sets = random_sets(ranking.index, 20, 2)
    table = preranked(ranking, sets, permutations=50, seed=1).set_index("term")
    assert len(table) == 20
    for term, members in sets.items():
        sums, row = running_sum(ranking, members), table.loc[term]
        assert row["es"] == pytest.approx(extreme(sums), abs=1e-9)
        assert row[["set_size", "ranked"]].tolist() == [len(members), 300]
        peak = int(np.argmin(np.abs(sums - row["es"])))
        edge = ranking.index[: peak + 1] if row["es"] > 0 else ranking.index[peak + 1 :][::-1]
        assert row["genes"].split(";") == [gene for gene in edge if gene in members]
        assert row["leading"] == len(row["genes"].split(";"))


def test_p_and_nes_are_those_of_random_sets_of_the_same_size_and_sign() -> None:
    rng = np.random.default_rng(4)
    ranking = ranking_of(rng.normal(0, 0.3, 200))
    members = {*ranking.index[:120:9], *ranking.index[160:163]}
    null = np.array(
        [
            extreme(running_sum(ranking, set(rng.choice(ranking.index, len(members), False))))
            for _ in range(1500)
        ]
    )
    row = preranked(ranking, {"S": members}, permutations=5000, seed=3).iloc[0]
    assert row["es"] > 0
    same = null[null > 0]
    p = (1 + np.sum(same >= row["es"])) / (1 + len(same))
    assert row["p"] == pytest.approx(p, abs=3 * np.sqrt(p / len(same)))
    assert row["nes"] == pytest.approx(row["es"] / same.mean(), rel=0.05)


def test_random_sets_have_uniform_p_and_none_of_them_is_zero() -> None:
    ranking = ranking_of(np.random.default_rng(6).normal(0, 0.3, 1000))
    table = preranked(ranking, random_sets(ranking.index, 300, 8), permutations=500, seed=5)
    assert kstest(table["p"], "uniform").pvalue > 0.01
    assert (table["p"] > 0).all() and (table["q"] > 0.05).all()
    expected = multipletests(table["p"], method="fdr_bh")[1]
    np.testing.assert_allclose(table["q"], expected, rtol=1e-9)


def test_seed_decides_and_threads_do_not() -> None:
    ranking = ranking_of(np.random.default_rng(6).normal(0, 0.3, 200))
    sets = random_sets(ranking.index, 20, 8)
    one, two, other = (
        preranked(ranking, sets, permutations=200, seed=seed, threads=threads)
        for seed, threads in ((7, 1), (7, 2), (2**32 - 1, 1))
    )
    pd.testing.assert_frame_equal(one, two)
    assert not np.allclose(np.sort(one["p"]), np.sort(other["p"]))


def run(folder: Path, gmt: str, correlation: pd.DataFrame, **sizes: int) -> pd.DataFrame:
    source, out = folder / "correlation.parquet", folder / "gsea.parquet"
    write_table(correlation, source)
    (folder / "lib.gmt").write_text(gmt)
    settings = {"min_size": 5, "max_size": 40, "permutations": 200, "seed": 1, **sizes}
    enrich_rankings(source, {"lib": folder / "lib.gmt"}, gsea=out, **settings)
    return read_table(out)


def correlations(region: str, seed: int) -> pd.DataFrame:
    rho = np.random.default_rng(seed).normal(0, 0.2, 300)
    rho[:12] += 0.7
    rho[12:24] -= 0.7
    rho[299] = np.nan
    genes = [f"g{i}" for i in range(300)]
    return pd.DataFrame({"gene": genes, "region": region, "n": 40, "rho": rho, "p": rho**2})


def line(name: str, *genes: int) -> str:
    return "\t".join([name, "", *(f"g{i}" for i in genes), "unknown", "g299"]) + "\n"


GMT = (
    line("up", *range(12))
    + line("down", *range(12, 24))
    + line("random", *range(100, 130))
    + line("small", 1, 2)
    + line("large", *range(50))
)


def test_job_finds_the_planted_sets_with_their_sign(tmp_path: Path) -> None:
    both = pd.concat([correlations("CT", 1), correlations("IT", 2).assign(rho=np.nan)])
    found = run(tmp_path, GMT, both)
    assert list(found) == list(DTYPES) and set(found["region"]) == {"CT"}
    assert set(found["term"]) == {"up", "down", "random"}
    table = found.set_index("term")
    assert table.loc["up", "nes"] > 2 and table.loc["down", "nes"] < -2
    assert (table.loc[["up", "down"], "q"] < 1e-4).all() and table.loc["random", "p"] > 0.01
    assert table.loc["up", ["n", "set_size", "ranked"]].tolist() == [40, 12, 299]
    assert set(table.loc["down", "genes"].split(";")) <= {f"g{i}" for i in range(12, 24)}
    again = run(tmp_path, GMT, both.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(found, again)


def test_without_any_tested_gene_the_library_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lib\.gmt: knows none"):
        run(tmp_path, GMT, correlations("CT", 1).assign(rho=np.nan))


def test_unfit_libraries_are_errors(tmp_path: Path) -> None:
    table = correlations("CT", 1)
    with pytest.raises(InputError, match=r"lib\.gmt: knows none of the tested genes.*g0"):
        run(tmp_path, "S\t\tENSG1\n", table)
    with pytest.raises(InputError, match="no set has 200 to 250 tested genes, the largest has 50"):
        run(tmp_path, GMT, table, min_size=200, max_size=250)
    with pytest.raises(InputError, match=r"lib\.gmt, row 2.*not a line of a GMT file"):
        run(tmp_path, line("S", 1) + "T\t\n", table)
    assert not (tmp_path / "gsea.parquet").exists()
