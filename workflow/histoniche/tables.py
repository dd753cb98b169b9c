"""Tables: Parquet for machines with a TSV twin for people."""

from pathlib import Path

import pandas as pd

from histoniche.files import whole_file


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write `table` as Parquet at `path` and as TSV beside it.

    Parameters
    ----------
    table
        One row a thing, units in the column names; its index is not written.
    path
        Ends in `.parquet`; the twin has the same name ending in `.tsv`.
    """
    with whole_file(path.with_suffix(".tsv")) as twin:
        table.to_csv(twin, sep="\t", index=False, float_format="%.6g", na_rep="NA")
    with whole_file(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote, from its Parquet file."""
    return pd.read_parquet(path)
