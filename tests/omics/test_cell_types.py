"""The match score of cell types."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.omics.cell_types import DTYPES, match_cell_types, match_scores
from histoniche.omics.markers import MarkerSet
from histoniche.tables import read_table, write_table

NAN = float("nan")


def markers(*genes: str, ordered: bool = False) -> MarkerSet:
    return MarkerSet("", "", {gene: k + 1 if ordered else NAN for k, gene in enumerate(genes)})


def score(
    genes: list[str],
    types: dict[str, list[MarkerSet]],
    background: list[str],
    *,
    count: int = 50,
    min_overlap: int = 1,
    seed: int = 0,
) -> pd.DataFrame:
    table = match_scores(
        genes,
        {(name, ""): sets for name, sets in types.items()},
        background,
        min_overlap=min_overlap,
        permutations=count,
        rng=np.random.default_rng(seed),
    )
    return table.set_index("cell_type")


def test_score_is_the_sum_of_rank_scores_over_the_root_of_the_markers() -> None:
    background = [f"g{i}" for i in range(10)]
    types = {"T": [markers("g0", "g2", "g7", "g8")], "none": [markers("g9")]}
    table = score(["g0", "g1", "stranger", "g2", "g3"], types, background)
    assert table.loc["T", "match_score"] == pytest.approx((4 / 4 + 2 / 4) / 2)
    assert table.loc["T", "genes"] == "g0;g2"
    counts = ["overlap", "markers", "sets_hit", "sets", "signature_size", "background"]
    assert table.loc["T", counts].tolist() == [2, 4, 1, 1, 4, 10]
    assert table.loc["none", ["match_score", "p", "sets_hit", "genes"]].tolist() == [0, 1, 0, ""]


def test_ordered_markers_lose_what_the_two_ranks_differ() -> None:
    background = [f"g{i}" for i in range(10)]
    genes = ["g0", "g1", "g2", "g3"]
    types = {"T": [MarkerSet("", "", {"g2": 10, "g0": 30, "g8": 20})]}
    # The list gives g0 1 and g2 1/2; the markers g2 1, g8 2/3, g0 1/3.
    expected = (1 * (1 - 2 / 3) + 0.5 * (1 - 0.5)) / np.sqrt(3)
    assert score(genes, types, background).loc["T", "match_score"] == pytest.approx(expected)
    same = {"T": [markers("g0", "g1", "g2", "g3", ordered=True)]}
    assert score(genes, same, background).loc["T", "match_score"] == pytest.approx(2.5 / 2)


def test_type_counts_for_every_set_that_is_hit() -> None:
    background = [f"g{i}" for i in range(20)]
    one, two = markers("g0", "g1", "g9"), markers("g1", "g3", "g8")
    missed = markers("g2", "g10", "g11")
    types = {"both": [one, two, missed], "one": [one], "two": [two]}
    table = score([f"g{i}" for i in range(5)], types, background, min_overlap=2)
    sums = table["match_score"]
    assert sums["both"] == pytest.approx(sums["one"] + sums["two"])
    assert table.loc["both", ["sets_hit", "sets", "overlap", "markers"]].tolist() == [2, 3, 4, 8]
    alone = score([f"g{i}" for i in range(5)], {"T": [missed]}, background, min_overlap=2)
    assert alone.loc["T", ["match_score", "p", "overlap", "sets_hit"]].tolist() == [0, 1, 1, 0]


def test_p_is_the_share_of_all_ordered_lists_that_score_as_high() -> None:
    background = [f"g{i}" for i in range(7)]
    types = {
        "plain": [markers("g0", "g3", "g5")],
        "ordered": [markers("g1", "g0", ordered=True), markers("g2", "g0")],
    }
    genes = ["g0", "g5", "g1"]
    every = [score([*lists], types, background, count=1) for lists in permutations(background, 3)]
    scores = pd.DataFrame([table["match_score"] for table in every])
    table = score(genes, types, background, count=20_000)
    for name, observed in table["match_score"].items():
        exact = (scores[name] >= observed - 1e-9).mean()
        assert table.loc[name, "p"] == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))
        assert table.loc[name, "expected"] == pytest.approx(scores[name].mean(), rel=0.03)


def test_random_lists_have_uniform_p() -> None:
    rng = np.random.default_rng(2)
    background = [f"g{i}" for i in range(600)]
    types = {"T": [markers(*rng.choice(background, 90, replace=False)) for _ in range(2)]}
    p = [
        score([*rng.choice(background, 80, replace=False)], types, background, count=199, seed=k)[
            "p"
        ]
        for k in range(200)
    ]
    values = np.concatenate(p)
    assert kstest(values, "uniform").pvalue > 0.01
    assert values.min() >= 1 / 200


def run(
    folder: Path, files: dict[str, str], genes: list[str] | None = None, **settings: object
) -> pd.DataFrame:
    paths = {name: folder / f"{name}.parquet" for name in ("signatures", "correlation", "out")}
    rows = [("CT", gene) for gene in genes or []] + [("IT", f"G{i}") for i in range(100, 120)]
    write_table(
        pd.DataFrame(rows if genes is not None else [], columns=["signature", "gene"]),
        paths["signatures"],
    )
    tested = [f"G{i}" for i in range(400)]
    write_table(
        pd.DataFrame({"gene": [*tested, "flat"], "p": [*np.linspace(0, 1, 400), np.nan]}),
        paths["correlation"],
    )
    for name, text in files.items():
        (folder / name).write_text(text)
    defaults = {"min_markers": 3, "min_overlap": 2, "permutations": 999, "seed": 1}
    match_cell_types(
        paths["signatures"],
        paths["correlation"],
        {name: folder / name for name in files if not name.endswith(".obo")},
        cell_types=paths["out"],
        ontology=folder / "cl.obo" if "cl.obo" in files else None,
        **{**defaults, **settings},  # type: ignore[arg-type]
    )
    return read_table(paths["out"])


def line(name: str, about: str, start: int, stop: int) -> str:
    return "\t".join([name, about, *(f"G{i}" for i in range(start, stop)), "flat"]) + "\n"


GMT = (
    line("Microglia", "CL:0000129", 0, 20)
    + line("T cells", "", 200, 230)
    + line("Rare", "", 300, 302)
)
TABLE = "cell_type\tgene\n" + "".join(f"microglia\tG{i}\n" for i in range(10, 30))
OBO = "[Term]\nid: CL:0000084\nname: T cell\n\n[Term]\nid: CL:0000129\nname: microglial cell\n"
LIST = [f"G{i}" for i in (*range(5, 25), *range(50, 60))]


def test_job_finds_the_planted_cell_type_with_its_id(tmp_path: Path) -> None:
    found = run(tmp_path, {"a.gmt": GMT, "b.tsv": TABLE, "cl.obo": OBO}, LIST)
    assert list(found) == list(DTYPES)
    table = found.set_index(["signature", "cell_type"])
    assert len(table) == 4 and table.index[0] == ("CT", "microglial cell")
    best = table.loc[("CT", "microglial cell")]
    assert best["ontology_id"] == "CL:0000129" and best["p"] == 1 / 1000
    assert best[["overlap", "markers", "sets_hit", "sets"]].tolist() == [20, 30, 2, 2]
    assert best["match_score"] > 5 * best["expected"]
    assert table.loc[("CT", "T cell"), ["ontology_id", "p"]].tolist() == ["CL:0000084", 1]
    for _, rows in found.groupby("signature"):
        assert rows["q"].tolist() == pytest.approx(multipletests(rows["p"], method="fdr_bh")[1])


def test_seed_decides(tmp_path: Path) -> None:
    genes = [f"G{i}" for i in (*range(15, 22), *range(50, 90))]
    first, same, other = (
        run(tmp_path, {"a.gmt": GMT}, genes, seed=seed, permutations=200) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, same)
    assert not np.allclose(first["expected"], other["expected"])


def test_without_signatures_there_are_no_rows(tmp_path: Path) -> None:
    found = run(tmp_path, {"a.gmt": GMT})
    assert found.empty and list(found) == list(DTYPES)


def test_markers_of_other_genes_or_too_few_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.gmt: knows none.*markers are ENSG1.*genes are G0"):
        run(tmp_path, {"a.gmt": "T\t\tENSG1\tENSG2\n"}, LIST)
    with pytest.raises(InputError, match="no marker set has 50 tested genes, the largest has 30"):
        run(tmp_path, {"a.gmt": GMT}, LIST, min_markers=50)
    with pytest.raises(InputError, match=r"b\.tsv, row 2, column gene"):
        run(tmp_path, {"a.gmt": GMT, "b.tsv": "cell_type\tgene\nT\t\n"}, LIST)
    assert not (tmp_path / "out.parquet").exists()
