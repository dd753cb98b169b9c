"""Activity of gene sets from files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.activity import DTYPES, METHODS, Method, activity_of_sets, score_activity
from histoniche.omics.gene_sets import as_gmt
from histoniche.tables import read_table, write_table

LIBRARIES = {
    "one": {"planted": range(10), "other": range(40, 60), "small": range(1)},
    "two": {"planted": range(5, 15), "unknown": range(900, 910)},
}


def expression(genes: int = 80, patients: int = 12, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.Index([f"G{i}" for i in range(genes)], name="gene")
    return pd.DataFrame(
        rng.normal(5, 1, (genes, patients)), index, [f"P{i}" for i in range(patients)]
    )


def run(folder: Path, values: pd.DataFrame, prefix: str = "G", **settings: object) -> pd.DataFrame:
    out = folder / "activity.parquet"
    values.reset_index().to_parquet(folder / "expression.parquet")
    tested = values.index != "G79"
    genes = {"gene": values.index, "detected": values.shape[1], "tested": tested}
    write_table(pd.DataFrame(genes), folder / "genes.parquet")
    paths = {}
    for name, sets in LIBRARIES.items():
        paths[name] = folder / f"{name}.gmt"
        lines = {term: ("", [f"{prefix}{i}" for i in rows]) for term, rows in sets.items()}
        paths[name].write_text(as_gmt(lines))
    score_activity(
        folder / "expression.parquet",
        folder / "genes.parquet",
        settings.pop("gene_sets", paths),  # type: ignore[arg-type]
        activity=out,
        **{"method": "ssgsea", "min_size": 2, "max_size": 50, **settings},  # type: ignore[arg-type]
    )
    return read_table(out)


@pytest.mark.parametrize("method", METHODS)
def test_job_scores_every_admissible_set_in_every_patient(tmp_path: Path, method: Method) -> None:
    values = expression()
    values.loc[[f"G{i}" for i in range(10)], ["P3", "P4"]] += 3
    table = run(tmp_path, values, method=method)
    assert list(table) == list(DTYPES)
    assert set(table["method"]) == {method}
    terms = table[["library", "term", "size"]].drop_duplicates().to_numpy().tolist()
    assert terms == [["one", "planted", 10], ["one", "other", 20], ["two", "planted", 10]]
    assert len(table) == 3 * 12
    planted = table[(table["library"] == "one") & (table["term"] == "planted")]
    highest = planted.nlargest(2, "activity")["patient"]
    assert set(highest) == {"P3", "P4"}
    sets = {"planted": [f"G{i}" for i in range(5, 15)]}
    alone = activity_of_sets(values.drop(index="G79"), sets, method=method)
    stored = table[table["library"] == "two"]["activity"].to_numpy()
    np.testing.assert_allclose(stored, alone.loc["planted"], rtol=1e-12)


def test_ssgsea_is_scaled_library_by_library_or_not_at_all(tmp_path: Path) -> None:
    scaled = run(tmp_path, expression()).groupby("library")["activity"]
    assert np.allclose(scaled.max() - scaled.min(), 1)
    raw = run(tmp_path, expression(), scaled=False).groupby("library")["activity"]
    assert (raw.max() - raw.min() > 2).all()


def test_constant_genes_are_named_and_left_out_of_gsva_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = expression()
    values.loc[["G3", "G70"]] = 7.0
    sizes = {}
    fates: dict[Method, str] = {"ssgsea": "ranked like the others", "gsva": "left out"}
    for method, fate in fates.items():
        caplog.clear()
        table = run(tmp_path, values, method=method)
        sizes[method] = table.groupby(["library", "term"])["size"].first()["one", "planted"]
        assert (
            f"2 genes are constant over the patients, such as G3, G70; they are {fate}"
            in caplog.text
        )
    assert sizes == {"ssgsea": 10, "gsva": 9}


def test_poisson_takes_counts_and_refuses_logarithms(tmp_path: Path) -> None:
    counts = expression().mul(3).round().clip(lower=0)
    found = run(tmp_path, counts, method="gsva", kernel="poisson")
    assert found["activity"].between(-1, 1).all()
    with pytest.raises(InputError, match=r"column P0.*not a count.*gene G0.*kernel to gaussian"):
        run(tmp_path, expression(), method="gsva", kernel="poisson")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.iloc[:, :9], "9 patients, activity of gene sets needs 10"),
        (lambda v: v.where(v != v.loc["G5", "P2"]), "column P2.*missing.*gene G5; drop the gene"),
        (lambda v: v * 0, "all 79 tested genes are constant"),
        (lambda v: v.replace(v.loc["G6", "P1"], np.inf), "column P1.*infinite.*gene G6"),
    ],
)
def test_expression_that_cannot_be_scored_says_why(
    tmp_path: Path, change: object, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        run(tmp_path, change(expression()))  # type: ignore[operator]
    assert "expression.parquet" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "activity.parquet").exists()


def test_gene_sets_that_cannot_be_scored_say_why(tmp_path: Path) -> None:
    words = (
        r"one\.gmt: knows none.*expression has symbols of human such as G0.*Entrez ids such as 0, 1"
    )
    with pytest.raises(InputError, match=words):
        run(tmp_path, expression(), prefix="")
    with pytest.raises(InputError, match=r"no set has 60 to 70.*change activity\.min_size"):
        run(tmp_path, expression(), min_size=60, max_size=70)
    with pytest.raises(InputError, match=r"no library.*activity\.gene_sets"):
        run(tmp_path, expression(), gene_sets={})


def test_set_of_all_genes_is_no_set(tmp_path: Path) -> None:
    values = expression().iloc[40:60]
    with pytest.raises(InputError, match="no set has 2 to 19 tested genes, the largest has 20"):
        gmt = {"one": tmp_path / "all.gmt"}
        gmt["one"].write_text(as_gmt({"all": ("", list(values.index))}))
        run(tmp_path, values, gene_sets=gmt)


def test_method_must_be_known() -> None:
    with pytest.raises(ValueError, match="there are ssgsea, gsva"):
        activity_of_sets(expression(), {"S": ["G1"]}, method="plage")  # type: ignore[arg-type]
