"""Which cells and cell types are good enough to go on with."""

from typing import Literal

import numpy as np
from anndata import AnnData

from histoniche.errors import InputError
from histoniche.omics.decisions import Decision

CellUnit = Literal["counts", "log"]
OnSmallType = Literal["fail", "drop"]


def drop_poor_cells(
    data: AnnData,
    *,
    unit: CellUnit,
    min_genes: int,
    max_mitochondrial_share: float,
    mitochondrial_prefix: str,
) -> tuple[AnnData, list[Decision]]:
    """Drop cells with few genes or much mitochondrial RNA.

    Parameters
    ----------
    data
        Cells by genes.
    unit
        Of `log` values the share is that of exp(x) - 1.
    min_genes
        A cell with fewer genes above 0 goes.
    max_mitochondrial_share
        A cell whose mitochondrial genes hold a greater share of its total goes.
    mitochondrial_prefix
        How mitochondrial genes begin: MT- in human, mt- in mouse.

    Returns
    -------
    The cells that stay, with obs genes, total and mitochondrial_share (NaN
    where no gene is mitochondrial), and how many went for which reason.

    Raises
    ------
    InputError
        If no cell stays.
    """
    values = data.X if unit == "counts" else data.X.expm1()
    mitochondrial = data.var_names.str.startswith(mitochondrial_prefix)
    total = np.asarray(values.sum(axis=1, dtype=np.float64)).ravel()
    of_them = np.asarray(values[:, mitochondrial].sum(axis=1, dtype=np.float64)).ravel()
    with np.errstate(invalid="ignore"):
        share = of_them / total if mitochondrial.any() else np.full(len(total), np.nan)
    detected = np.asarray((data.X > 0).sum(axis=1)).ravel()
    data.obs["genes"], data.obs["total"] = detected, total
    data.obs["mitochondrial_share"] = share
    few = (detected < min_genes) | (total == 0)
    much = ~few & (share > max_mitochondrial_share)
    note = "" if mitochondrial.any() else f"no gene begins with {mitochondrial_prefix}"
    taken = [
        Decision("quality", f"cells with fewer than {min_genes} genes, dropped", int(few.sum())),
        Decision(
            "quality",
            f"cells with a mitochondrial share above {max_mitochondrial_share:g}, dropped",
            int(much.sum()),
            note,
        ),
    ]
    kept = ~(few | much)
    if not kept.any():
        raise InputError(
            f"none of {data.n_obs} cells is good: {int(few.sum())} have fewer than {min_genes}"
            f" genes, {int(much.sum())} too large a mitochondrial share",
            remedy="lower single_cell.min_genes or raise single_cell.max_mitochondrial_share",
        )
    lost = sorted(set(data.obs["patient"]) - set(data.obs["patient"][kept]))
    taken.append(Decision("quality", "patients left without a cell", len(lost), ", ".join(lost)))
    return data[kept].copy(), taken


def drop_small_types(
    data: AnnData, *, min_cells: int, on_small_type: OnSmallType
) -> tuple[AnnData, Decision]:
    """Refuse or drop types with fewer than `min_cells` cells over all patients.

    Raises
    ------
    InputError
        If there is such a type and `on_small_type` is `fail`, or no type is left.
    """
    sizes = data.obs["cell_type"].value_counts()
    small = sizes[sizes < min_cells].sort_index()
    names = ", ".join(f"{name} ({size})" for name, size in small.items())
    if len(small) and (on_small_type == "fail" or len(small) == len(sizes)):
        raise InputError(
            f"cell types with fewer than {min_cells} cells: {names}",
            remedy="merge them with others, lower single_cell.min_cells,"
            " or set single_cell.on_small_type to drop",
        )
    kept = ~data.obs["cell_type"].isin(small.index).to_numpy()
    item = f"cells of types with fewer than {min_cells} cells, dropped"
    return data[kept].copy(), Decision("types", item, int((~kept).sum()), names)
