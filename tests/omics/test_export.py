"""The file for other tools, read by the library that defines it."""

import anndata
import numpy as np
import pandas as pd

from histoniche.omics.export import export_study
from histoniche.tables import write_table

PATIENTS, GENES = ["P0", "P1", "P2"], ["A", "B", "C", "D"]


def test_everything_stands_where_other_tools_look_for_it(tmp_path):
    values = pd.DataFrame(np.arange(12.0).reshape(4, 3), pd.Index(GENES, name="gene"), PATIENTS)
    correlation = pd.DataFrame(
        {"gene": ["A", "B", "D"] * 2, "region": ["CT"] * 3 + ["IT"] * 3, "rho": np.arange(6) / 10}
    ).assign(p=0.5, q=0.6, p_family=np.nan)
    tables = {
        "expression": values.reset_index(),
        "genes": pd.DataFrame({"gene": GENES, "detected": 3, "tested": [True, True, False, True]}),
        "correlation": correlation,
        "signatures": pd.DataFrame({"signature": ["CT", "CT", "CTpos"], "gene": ["B", "A", "A"]}),
        "scores": pd.DataFrame(
            {
                "patient": ["P0", "P1", "P9"] * 3,
                "score": ["CT"] * 3 + ["IT"] * 3 + ["HTI"] * 3,
                "kind": ["area"] * 6 + ["score"] * 3,
                "value": np.arange(9.0),
            }
        ),
        "patients": pd.DataFrame(
            {
                "patient": ["P9", "P2", "P1", "P0"],
                "time_days": [9.0, 8, 7, np.nan],
                "event": pd.array([1, 0, 1, None], dtype="Int64"),
                "mgmt": ["yes", None, "no", "yes"],
            }
        ),
    }
    for name, table in tables.items():
        write_table(table, tmp_path / f"{name}.parquet")
    out = tmp_path / "study.h5ad"
    paths = {name: tmp_path / f"{name}.parquet" for name in tables}
    export_study(paths.pop("expression"), paths.pop("genes"), **paths, out=out)
    study = anndata.read_h5ad(out)
    assert list(study.obs_names) == PATIENTS and list(study.var_names) == GENES
    np.testing.assert_array_equal(study.X, values.to_numpy().T)
    assert study.obs["area_CT"].tolist()[:2] == [0, 1] and np.isnan(study.obs["area_CT"].iloc[2])
    assert list(study.obs)[-3:] == ["area_CT", "area_IT", "score_HTI"]
    assert study.obs["score_HTI"].tolist()[:2] == [6, 7]
    assert study.obs["event"].tolist()[1:] == [1, 0]
    assert study.obs["mgmt"].tolist()[:2] == ["yes", "no"]
    rho = study.varm["rho"]
    assert list(rho) == ["CT", "IT"]
    assert rho.loc["D"].tolist() == [0.2, 0.5] and rho.loc["C"].isna().all()
    assert {name: list(genes) for name, genes in study.uns["signatures"].items()} == {
        "CT": ["B", "A"],
        "CTpos": ["A"],
    }
    assert study.var["tested"].tolist() == [True, True, False, True]
    assert [path.name for path in tmp_path.glob("*.h5ad*")] == ["study.h5ad"]
