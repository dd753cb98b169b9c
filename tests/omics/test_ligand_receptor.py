"""Scores of ligands with receptors, and their permutation p."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import scipy.stats

from histoniche.omics.group_means import group_means
from histoniche.omics.ligand_receptor import matrix_mean, pair_scores, permutation_p

PAIRS = [("G0", "G1"), ("G2", "G3"), ("G4", "G4"), ("G5", "G0"), ("G8", "G9")]
TYPES = ["A", "B", "C"]


def modular_cells() -> np.ndarray:
    """30 cells by 12 genes that need no random numbers; nobody expresses the last gene."""
    cell, gene = np.ogrid[:30, :12]
    counts = (cell * cell * (gene + 3) + 7 * gene * cell) % 13 * ((cell + 2 * gene) % 3 > 0)
    values = np.log1p(counts)
    values[:, 11] = 0
    return values


CODES = np.repeat([0, 1, 2], [8, 10, 12])
LIGANDS, RECEPTORS = (np.array([int(pair[side][1:]) for pair in PAIRS]) for side in (0, 1))


@pytest.fixture(scope="module")
def liana() -> pd.DataFrame:
    """Numbers of liana 1.10.0, `values` being modular_cells(), A, B and C their types:

    data = AnnData(csr_matrix(values.astype("float32")), obs={"t": types}, var_names=G0 ... G11)
    settings = dict(groupby="t", interactions=PAIRS, expr_prop=0, min_cells=5, use_raw=False,
                    return_all_lrs=True, inplace=False)
    liana.mt.singlecellsignalr(data, **settings)                       # score
    liana.mt.geometric_mean(data, n_perms=20000, seed=1, **settings)   # p
    """
    return pd.read_csv(Path(__file__).with_name("liana_reference.tsv"), sep="\t")


def by_liana(table: pd.DataFrame, column: str) -> np.ndarray:
    """liana's numbers as (senders, receivers, pairs)."""
    keyed = table.set_index(["sender", "receiver", "ligand", "receptor"])[column]
    return np.array([[[keyed[s, r, *pair] for pair in PAIRS] for r in TYPES] for s in TYPES])


def test_score_is_the_formula() -> None:
    assert pair_scores(np.array(1.0), np.array(9.0), 5.0) == pytest.approx(3 / 8)
    assert pair_scores(np.array(2.0), np.array(2.0), 2.0) == pytest.approx(0.5)
    assert pair_scores(np.array(0.0), np.array(9.0), 5.0) == 0


def test_scores_equal_liana(liana: pd.DataFrame) -> None:
    values = modular_cells()
    means = group_means(values, CODES, 3)
    scores = pair_scores(means[:, None, LIGANDS], means[None, :, RECEPTORS], matrix_mean(values))
    np.testing.assert_allclose(scores, by_liana(liana, "score"), atol=1e-6)


def test_permutation_p_equals_liana_within_what_chance_allows(liana: pd.DataFrame) -> None:
    p = permutation_p(
        modular_cells(),
        CODES,
        LIGANDS,
        RECEPTORS,
        types=3,
        permutations=20_000,
        random=np.random.default_rng(0),
    )
    expected = by_liana(liana, "p")
    error = np.sqrt(2 * expected * (1 - expected) / 20_000)
    assert (np.abs(p - expected) < 4.5 * error).all()


def test_mean_of_the_matrix_leaves_empty_genes_aside() -> None:
    values = np.array([[1.0, 0, 3], [0, 0, 2]])
    assert matrix_mean(values) == pytest.approx(6 / 4)
    assert matrix_mean(scipy.sparse.csr_array(values)) == pytest.approx(6 / 4)
    assert np.isnan(matrix_mean(np.zeros((2, 2))))


def test_permutation_p_approaches_the_share_of_all_labellings() -> None:
    values = np.array([[3.0, 0], [2, 1], [0, 2], [0, 0], [1, 4], [0, 1]])
    codes = np.array([0, 0, 0, 1, 1, 1])
    p = permutation_p(
        values,
        codes,
        np.array([0]),
        np.array([1]),
        types=2,
        permutations=20_000,
        random=np.random.default_rng(0),
    )
    every = []
    for chosen in itertools.combinations(range(6), 3):
        first = np.isin(np.arange(6), chosen)
        means = np.array([values[first].mean(axis=0), values[~first].mean(axis=0)])
        every.append(np.outer(means[:, 0], means[:, 1]))
    means = np.array([values[:3].mean(axis=0), values[3:].mean(axis=0)])
    observed = np.outer(means[:, 0], means[:, 1])
    exact = (np.array(every) >= observed - 1e-12).mean(axis=0)
    np.testing.assert_allclose(p[:, :, 0], exact, atol=0.015)


def test_smallest_p_is_one_in_permutations_plus_one() -> None:
    values = np.repeat([[5.0, 0], [0, 5]], 20, axis=0)
    codes = np.repeat([0, 1], 20)
    random = np.random.default_rng(0)
    p = permutation_p(
        values, codes, np.array([0]), np.array([1]), types=2, permutations=199, random=random
    )
    assert p[0, 1, 0] == pytest.approx(1 / 200)
    assert p[1, 0, 0] == 1  # its score is 0, which every shuffle reaches
    assert p[0, 0, 0] == 1


def test_p_is_uniform_where_labels_mean_nothing() -> None:
    found = []
    for seed in range(400):
        random = np.random.default_rng(seed)
        values, codes = random.gamma(2, size=(24, 2)), random.permutation(np.repeat([0, 1], 12))
        p = permutation_p(
            values, codes, np.array([0]), np.array([1]), types=2, permutations=99, random=random
        )
        found.append(p[0, 1, 0])
    # Jittered within its step of 1/100, a uniform p of 99 shuffles is uniform on [0, 1].
    jitter = np.random.default_rng(0).random(400) / 100
    assert scipy.stats.kstest(np.array(found) - jitter, "uniform").pvalue > 0.01
    assert 0.02 < (np.array(found) <= 0.05).mean() < 0.09


def test_one_type_cannot_be_shuffled() -> None:
    random = np.random.default_rng(0)
    values = random.random((10, 2))
    p = permutation_p(
        values,
        np.zeros(10, int),
        np.array([0]),
        np.array([1]),
        types=1,
        permutations=50,
        random=random,
    )
    assert p.tolist() == [[[1.0]]]


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> np.ndarray:
        return permutation_p(
            modular_cells(),
            CODES,
            LIGANDS,
            RECEPTORS,
            types=3,
            permutations=100,
            random=np.random.default_rng(0),
        )

    whole = run()
    monkeypatch.setattr("histoniche.omics.ligand_receptor._BATCH", 500)
    np.testing.assert_array_equal(run(), whole)


def test_kernel_needs_neither_scanpy_nor_pandas(checkout: Path) -> None:
    code = (
        "import sys, histoniche.omics.ligand_receptor;"
        "sys.exit(sorted({'scanpy', 'anndata', 'pandas'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout / "workflow",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
