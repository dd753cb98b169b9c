"""Figure of the signatures' leading genes in every patient, clustered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import scipy.cluster.hierarchy
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine

from histoniche.cohort.palette import Region
from histoniche.report.figures.clustering import Floats, cluster
from histoniche.report.figures.signatures import top_genes
from histoniche.report.style import (
    DIVERGING,
    FAINT,
    MUTED,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.wording import count

_MOST_GENES = 60
_MOST_NAMES = 40
_LIMIT = 2.5
"""Standard deviations from the mean beyond which colours do not change."""


def draw_heat_map(
    expression: Path,
    signatures: Path,
    areas: Path,
    palette: Sequence[Region],
    *,
    top: int,
    heat_map_figure: Path,
) -> None:
    """Draw the leading genes of every region's signature by patients, alike beside alike.

    Parameters
    ----------
    expression
        gene, then a column a patient.
    signatures
        What `histoniche.omics.signatures.derive_signatures` wrote; a region's
        whole signature is drawn, its parts are not.
    areas
        Long table: patient, region, area.
    palette
        Regions with their colours.
    top
        Most genes of one signature; fewer where they would not fit.
    heat_map_figure
        Where the figure goes; ends in `.svg`. The table beside it holds the
        standard scores in the order drawn.
    """
    values = read_table(expression).set_index("gene")
    sizes = read_table(areas).pivot(index="region", columns="patient", values="area")
    members = read_table(signatures)
    members = members[members["signature"] == members["region"]]
    regions = [region for region in palette if region.region in set(members["region"])]
    patients = [patient for patient in values.columns if patient in sizes.columns]
    with house_style():
        if not regions or len(patients) < 2:
            reason = "No signature has a gene." if not regions else "Fewer than two patients."
            save_notice(reason, heat_map_figure, members)
            return
        number = max(1, min(top, _MOST_GENES // len(regions)))
        genes = [g for region in regions for g in top_genes(members, region.region, number)]
        scores = standardise(values.loc[list(dict.fromkeys(genes)), patients])
        _draw(scores, members, sizes[patients], regions, path=heat_map_figure)


def standardise(values: pd.DataFrame) -> pd.DataFrame:
    """Standard scores of each gene over its patients; 0 where a gene never changes."""
    centred = values.sub(values.mean(axis=1), axis=0)
    spread = values.std(axis=1, ddof=0)
    return centred.div(spread.where(spread > 0, 1), axis=0)


def _draw(
    scores: pd.DataFrame,
    members: pd.DataFrame,
    areas: pd.DataFrame,
    regions: Sequence[Region],
    *,
    path: Path,
) -> None:
    """Trees on top and to the left, areas on top, signatures to the left, scores in the middle."""
    strips, tall = 0.16 * len(regions), 0.155 * len(scores)
    figure = new_figure(0.6 + strips + tall + 1.7)
    # Trees and strips touch what they explain.
    figure.set_layout_engine(
        ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0, rect=(0, 0, 1, 0.992))
    )
    parts = figure.add_gridspec(
        *(3, 3), height_ratios=[0.6, strips, tall], width_ratios=[0.5, strips, 6.2]
    )
    of_patients, of_areas, of_genes, of_signatures, middle = (
        figure.add_subplot(parts[place]) for place in ((0, 2), (1, 2), (2, 0), (2, 1), (2, 2))
    )
    columns = _draw_tree(of_patients, cluster(scores.to_numpy().T), "top")
    rows = _draw_tree(of_genes, cluster(scores.to_numpy()), "left")
    ordered = scores.iloc[rows, columns]
    _draw_scores(figure, middle, ordered)
    _draw_areas(of_areas, areas[ordered.columns], regions)
    _draw_membership(of_signatures, list(ordered.index), members, regions)
    of_patients.set_title(
        f"{count(len(ordered), 'leading gene')} of the signatures in "
        f"{count(len(ordered.columns), 'patient')}"
    )
    footnote(
        figure,
        "Rows and columns in the order of their trees (average linkage, Euclidean distance of the "
        "standard scores). Above: rank of the patient's area of each region, darkest the largest. "
        "Left: the signatures that hold the gene.",
    )
    save_figure(figure, path, ordered.reset_index())


def _draw_tree(axes: Axes, tree: Floats | None, side: Literal["top", "left"]) -> list[int]:
    """Draw a tree whose leaves face the heat map, and return the leaves in its order."""
    axes.set_axis_off()
    if tree is None:
        return [0]
    drawn = scipy.cluster.hierarchy.dendrogram(tree, no_plot=True)
    along, away = np.array(drawn["icoord"]) / 10 - 0.5, np.array(drawn["dcoord"])
    lines = np.stack([along, away] if side == "top" else [-away, along], axis=-1)
    axes.add_collection(LineCollection(list(lines), colors=MUTED, linewidths=0.7))
    leaves, height = len(tree) + 1, float(away.max()) * 1.02 or 1.0
    if side == "top":
        axes.set(xlim=(-0.5, leaves - 0.5), ylim=(0, height))
    else:
        axes.set(xlim=(-height, 0), ylim=(leaves - 0.5, -0.5))
    return [int(leaf) for leaf in drawn["leaves"]]


def show_standard_scores(axes: Axes, values: pd.DataFrame) -> AxesImage:
    """Show standard scores as an image; colours end 2.5 deviations from the mean."""
    axes.set_facecolor(FAINT)
    return axes.imshow(
        values.to_numpy(dtype=float),
        cmap=DIVERGING,
        vmin=-_LIMIT,
        vmax=_LIMIT,
        aspect="auto",
        interpolation="nearest",
    )


def _draw_scores(figure: Figure, axes: Axes, ordered: pd.DataFrame) -> None:
    """The scores as one image, names of the genes to the right."""
    image = show_standard_scores(axes, ordered)
    axes.yaxis.tick_right()
    axes.set_yticks(range(len(ordered)), list(ordered.index), size=7)
    few = len(ordered.columns) <= _MOST_NAMES
    axes.set_xticks(range(len(ordered.columns)) if few else [])
    if few:
        axes.set_xticklabels(list(ordered.columns), rotation=90, size=7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.4, aspect=30, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("Expression, standard deviations from the gene's mean\n")


def _draw_areas(axes: Axes, areas: pd.DataFrame, regions: Sequence[Region]) -> None:
    """A strip a region: each patient's rank in its area, white to the region's colour."""
    ranks = areas.loc[[region.region for region in regions]].rank(axis=1, pct=True)
    pictures = [
        LinearSegmentedColormap.from_list(region.region, ["white", region.colour])(row)
        for region, row in zip(regions, ranks.to_numpy(dtype=float), strict=True)
    ]
    axes.imshow(np.stack(pictures), aspect="auto", interpolation="nearest")
    axes.yaxis.tick_right()
    axes.set_yticks(range(len(regions)), [region.region for region in regions], size=7)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_membership(
    axes: Axes, genes: Sequence[str], members: pd.DataFrame, regions: Sequence[Region]
) -> None:
    """A column a signature, coloured where it holds the gene."""
    held = {(row.region, row.gene) for row in members[["region", "gene"]].itertuples()}
    picture = [
        [to_rgb(each.colour if (each.region, gene) in held else "#f2f4f6") for each in regions]
        for gene in genes
    ]
    axes.imshow(np.array(picture), aspect="auto", interpolation="nearest")
    names = [region.region for region in regions]
    axes.set_xticks(range(len(regions)), names, rotation=90, size=7)
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
