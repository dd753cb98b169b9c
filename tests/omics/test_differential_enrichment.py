"""Gene sets of the genes up and down between groups."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.errors import InputError
from histoniche.omics.differential_enrichment import DTYPES, enrich_differential
from histoniche.tables import read_table, write_table

GENES = [f"G{number}" for number in range(400)]
UP, DOWN = GENES[:20], GENES[20:35]


def comparison(name: str, up: list[str], down: list[str], filtered: int = 0) -> pd.DataFrame:
    """Genes of one comparison; of the last `filtered` no q is known."""
    table = pd.DataFrame({"gene": GENES, "log2_fold_change": 0.2, "q": 0.8})
    table.loc[table["gene"].isin(up), ["log2_fold_change", "q"]] = (1.5, 1e-4)
    table.loc[table["gene"].isin(down), ["log2_fold_change", "q"]] = (-1.5, 1e-4)
    table.loc[len(table) - filtered :, "q"] = np.nan
    return table.assign(comparison=name)


def run(folder: Path, tables: list[pd.DataFrame], sets: dict[str, list[str]], **rule: float):
    write_table(pd.concat(tables), folder / "differential.parquet")
    lines = ("\t".join([term, "", *genes]) for term, genes in sets.items())
    (folder / "lib.gmt").write_text("\n".join(lines))
    enrich_differential(
        folder / "differential.parquet",
        {"lib": folder / "lib.gmt"},
        enrichment=folder / "out.parquet",
        rule={"q": 0.05, "log2_fold_change": 0.0, **rule},
        min_size=5,
        max_size=50,
    )
    return read_table(folder / "out.parquet")


SETS = {
    "planted": [*UP[:15], *GENES[100:110]],
    "fallen": [*DOWN[:10], *GENES[100:115]],
    "other": GENES[200:230],
}


def test_a_planted_set_leads_its_own_direction_and_is_not_in_the_other(tmp_path):
    found = run(tmp_path, [comparison("idh", UP, DOWN)], SETS)
    assert list(found) == list(DTYPES)
    rows = [list(row) for row in found[["comparison", "direction", "term"]].to_numpy()]
    assert rows == [["idh", "up", "planted"], ["idh", "down", "fallen"]]
    assert (found["q"] < 1e-6).all()
    best = found.iloc[0]
    assert best[["n_genes", "overlap", "set_size", "background"]].tolist() == [20, 15, 25, 400]
    assert best["expected"] == pytest.approx(20 * 25 / 400)
    assert best["p"] == pytest.approx(scipy.stats.hypergeom.sf(14, 400, 25, 20))
    assert best["q"] == pytest.approx(3 * best["p"])
    assert set(best["genes"].split(";")) == set(UP[:15])


def test_each_comparison_has_its_own_background_without_the_genes_that_were_filtered(tmp_path):
    tables = [comparison("a", UP, []), comparison("b", UP, [], filtered=100)]
    found = run(tmp_path, tables, SETS).set_index("comparison")
    assert found.loc["a", "background"] == 400
    assert found.loc["b", "background"] == 300


def test_nothing_up_or_down_gives_no_row_and_nothing_at_all_an_empty_table(tmp_path):
    found = run(tmp_path, [comparison("none", [], []), comparison("up", UP, [])], SETS)
    assert set(found["comparison"]) == {"up"} and set(found["direction"]) == {"up"}
    empty = run(tmp_path, [comparison("idh", UP, DOWN)], SETS, log2_fold_change=2.0)
    assert empty.empty and list(empty) == list(DTYPES)
    assert {name: str(kind) for name, kind in empty.dtypes.items()} == {
        name: np.dtype(kind).name for name, kind in DTYPES.items()
    }


def test_random_genes_are_enriched_no_more_often_than_the_level(tmp_path):
    rng = np.random.default_rng(0)
    sets = {f"S{number}": list(rng.choice(GENES, 25, replace=False)) for number in range(20)}
    drawn = (rng.permutation(GENES)[:60] for _ in range(100))
    tables = [
        comparison(f"c{number}", list(genes[:40]), list(genes[40:]))
        for number, genes in enumerate(drawn)
    ]
    found = run(tmp_path, tables, sets)
    tests = 100 * 2 * len(sets)
    assert (found["p"] < 0.05).sum() / tests < 0.05
    hit = found[found["q"] < 0.05].groupby(["comparison", "direction"]).ngroups
    assert hit / 200 < 0.05


def test_a_library_of_other_ids_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"lib\.gmt: knows none of the tested genes"):
        run(tmp_path, [comparison("idh", UP, DOWN)], {"S": ["ENSG1", "ENSG2"]})
