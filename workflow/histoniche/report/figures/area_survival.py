"""Figure of the correlation of region areas with survival time, by mutation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from histoniche.cohort.palette import Region
from histoniche.report.style import (
    DIVERGING,
    footnote,
    house_style,
    largest,
    new_figure,
    save_figure,
    save_notice,
    text_on,
)
from histoniche.tables import read_table

_LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_Q = 0.05
_FEWER = "all without outliers"
_NAMES = {"all": "All patients", _FEWER: "Without outliers"}
_KINDS = (("Pearson r", "pearson_r", "pearson"), ("Spearman ρ", "spearman_rho", "spearman"))


def draw_area_survival(
    correlation: Path, palette: Sequence[Region], *, area_survival: Path
) -> None:
    """Draw the correlation of every area with survival time, in all patients and by mutation.

    Parameters
    ----------
    correlation
        Every stratum with every region, with outliers and without: n, censored,
        coefficients, p and q. Drawn are the rows with outliers, and below all patients
        those without.
    palette
        Regions with names and colours, background first.
    area_survival
        Where the figure goes; ends in `.svg`.
    """
    table = _drawn(read_table(correlation))
    with house_style():
        if table.empty:
            save_notice("No patient has both an area and a survival time.", area_survival, table)
            return
        strata = _strata(table)
        codes = [region.region for region in palette if region.region in set(table["region"])]
        figure = new_figure(0.3 * len(strata) + 2.1, width=9.6)
        left, right = figure.subplots(1, 2, sharey=True)
        limit = max(
            0.4, largest(table[[kind[1] for kind in _KINDS]].abs(), *(kind[1] for kind in _KINDS))
        )
        for axes, kind in zip((left, right), _KINDS, strict=True):
            image = _draw_panel(
                axes, table, strata["stratum"].tolist(), codes, kind=kind, limit=limit
            )
        left.set_yticks(np.arange(len(strata)) + 0.5, strata["label"].tolist())
        left.invert_yaxis()
        bar = figure.colorbar(
            image, ax=[left, right], shrink=max(0.5, min(1.0, 4 / len(strata))), pad=0.01, aspect=12
        )
        bar.outline.set_visible(False)
        bar.set_label("Correlation")
        footnote(
            figure,
            "Red: larger areas go with longer survival. Frame: q < 0.05, Benjamini-Hochberg over "
            "the regions of the row, not over the rows.\n"
            "Stars: raw p, not corrected at all: * < 0.05, ** < 0.01, *** < 0.001. Outliers: by "
            "Grubbs' test, in time or area.",
        )
        save_figure(figure, area_survival, table)


def _drawn(table: pd.DataFrame) -> pd.DataFrame:
    """Strata with their outliers, and all patients without theirs as one more stratum."""
    kept = table["outliers"] == "kept"
    fewer = table[~kept & (table["stratum"] == "all")].assign(stratum=_FEWER)
    if fewer["n"].tolist() == table.loc[kept & (table["stratum"] == "all"), "n"].tolist():
        fewer = fewer.iloc[:0]
    return pd.concat([table[kept], fewer], ignore_index=True)


def _strata(table: pd.DataFrame) -> pd.DataFrame:
    """Strata in the order of the table, "all" first, each with its label."""
    sizes = table.groupby("stratum", sort=False)[["n", "censored"]].max().reset_index()
    sizes = sizes.sort_values("stratum", key=lambda names: ~names.isin(list(_NAMES)), kind="stable")
    labels = [
        f"{_NAMES.get(stratum, stratum)}\nn {n}, {censored} censored"
        for stratum, n, censored in sizes.itertuples(index=False)
    ]
    return sizes.assign(label=labels)


def _draw_panel(
    axes: Axes,
    table: pd.DataFrame,
    strata: list[str],
    codes: list[str],
    *,
    kind: tuple[str, str, str],
    limit: float,
) -> Any:
    """One kind of correlation: a row a stratum, a column a region."""
    title, column, stem = kind
    wide = {
        name: table.pivot_table(index="stratum", columns="region", values=name, dropna=False)
        .reindex(index=strata, columns=codes)
        .to_numpy()
        for name in (column, f"{stem}_p", f"{stem}_q")
    }
    values = wide[column]
    image = axes.pcolormesh(
        values, cmap=DIVERGING, vmin=-limit, vmax=limit, edgecolors="white", linewidth=0.8
    )
    for (row, place), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        colour = text_on(image.to_rgba(value))
        text = f"{value:.2f}".replace("-", "−")
        text += next((stars for p, stars in _LEVELS if wide[f"{stem}_p"][row, place] < p), "")
        axes.text(place + 0.5, row + 0.5, text, ha="center", va="center", size=7, color=colour)
        if wide[f"{stem}_q"][row, place] < _Q:
            axes.add_patch(
                Rectangle((place + 0.05, row + 0.06), 0.9, 0.88, fill=False, ec=colour, lw=1.6)
            )
    axes.set_xticks(np.arange(len(codes)) + 0.5, codes)
    axes.set_title(f"{title} of area with survival time")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image
