"""Names of genes: Ensembl ids without their versions, symbols, and one row a gene."""

import pandas as pd

from histoniche.omics.decisions import LISTED, Decision, list_names

# A gene's Ensembl id with its version, of any species.
_VERSIONED = r"(ENS[A-Z]*G[0-9]{11})\.[0-9]+"
_ENSEMBL = r"ENS[A-Z]*G[0-9]{11}"
# Copies of the pseudoautosomal genes on Y, as GENCODE named them since and before release 25.
_PAR_Y = r".*_PAR_Y|ENSGR[0-9]{10}(?:\.[0-9]+)?"


def is_par_y(ids: "pd.Series[str]") -> "pd.Series[bool]":
    """Which rows are the copy on Y of a gene that stands on X too; reads are counted on X."""
    return ids.str.fullmatch(_PAR_Y)


def name_genes(
    ids: "pd.Series[str]", symbols: "pd.Series[str] | None"
) -> tuple["pd.Series[str]", list[Decision]]:
    """Name every row by its symbol, or by its id where it has none.

    Parameters
    ----------
    ids
        What the first column holds; versions of Ensembl ids (`.15`) are dropped.
    symbols
        The file's symbols, if it has them; empty where a row has none.

    Returns
    -------
    Names, and what was decided.
    """
    bare = ids.str.replace(f"^{_VERSIONED}$", r"\1", regex=True)
    versioned = int((bare != ids).sum())
    taken = []
    if versioned:
        taken.append(Decision("genes", "versions of Ensembl ids dropped", versioned))
    names = bare
    if symbols is not None:
        unnamed = symbols == ""
        names = symbols.where(~unnamed, bare)
        taken.append(Decision("genes", "rows named by their symbol", int((~unnamed).sum())))
    by_id = int(names.str.fullmatch(_ENSEMBL).sum())
    if by_id:
        detail = "gene sets that hold symbols do not find them" if symbols is None else "no symbol"
        taken.append(Decision("genes", "rows named by their Ensembl id", by_id, detail))
    return names, taken


def keep_highest(
    values: pd.DataFrame, names: "pd.Series[str]", ids: "pd.Series[str]"
) -> tuple[pd.DataFrame, list[Decision]]:
    """Leave one row a gene: of rows with the same name the one with the highest mean.

    Parameters
    ----------
    values
        Rows by patients; the index holds the rows' numbers in the file.
    names, ids
        Name and id of each row.

    Returns
    -------
    Genes (index, sorted) by patients, and what was decided: each name that
    stood more than once, with the row that is kept. Of rows with equal means
    the first of the file is kept.

    References
    ----------
    The MaxMean rule of Miller et al. 2011, BMC Bioinformatics 12:322,
    doi:10.1186/1471-2105-12-322.
    """
    means = values.mean(axis=1)
    # Stable and descending, so that of equal means the first row of the file is kept.
    order = means.mul(-1).to_numpy().argsort(kind="stable")
    ranked = names.iloc[order]
    kept = ranked[~ranked.duplicated()].sort_values()
    best = values.loc[kept.index].set_axis(pd.Index(kept, name="gene"), axis=0)
    rule = "of rows with the same gene, the one with the highest mean stays"
    taken = [Decision("genes", "duplicate rows dropped", len(values) - len(best), rule)]
    return best, [*taken, *_list_duplicates(ranked, ids, means)]


def _list_duplicates(
    ranked: "pd.Series[str]", ids: "pd.Series[str]", means: "pd.Series[float]"
) -> list[Decision]:
    """One decision a name that stood more than once; `ranked` has the kept row first."""
    several = ranked[ranked.duplicated(keep=False)]
    groups = {str(name): group.index for name, group in several.groupby(several)}
    taken = []
    for name, rows in list(groups.items())[:LISTED]:
        labels = [f"row {row}" if ids.loc[row] == name else str(ids.loc[row]) for row in rows]
        detail = f"kept {labels[0]}, mean {means.loc[rows[0]]:.4g}; dropped "
        taken.append(
            Decision("duplicates", name, len(rows), detail + list_names(labels[1:], most=20))
        )
    if len(groups) > LISTED:
        taken.append(Decision("duplicates", "further genes", len(groups) - LISTED))
    return taken
