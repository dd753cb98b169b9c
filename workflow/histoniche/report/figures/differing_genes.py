"""Boxes of the genes that differ most surely between groups of patients."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from histoniche.omics.comparisons import (
    CASE,
    REFERENCE,
    differing,
    differing_in_words,
    tested_in_words,
    tested_patients,
)
from histoniche.omics.expression import Unit, log_scale
from histoniche.report.figures.boxes import BOX_NOTE, draw_box, head_panel, label_boxes
from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import format_interval, format_p
from histoniche.report.results import records
from histoniche.report.style import (
    HIGH,
    LOW,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table

_COLUMNS = 4
_MOST_PANELS = 24
# Letters of a line below a box.
_LONGEST = 12
_SIDES = {REFERENCE: LOW, CASE: HIGH}
_SCALES = {
    "counts": "log2(counts per million + 1)",
    "tpm": "log2(TPM + 1)",
    "fpkm": "log2(FPKM + 1)",
    "fpkm_uq": "log2(FPKM-UQ + 1)",
    "log2": "log2 expression",
}


def draw_differing_genes(
    expression: Path,
    differential: Path,
    groups: Path,
    patients: Path,
    *,
    covariates: Iterable[str],
    rule: Mapping[str, float],
    top: int,
    unit: Unit,
    figure: Path,
) -> None:
    """Draw single genes in both groups of each comparison, those of smallest p that differ.

    Parameters
    ----------
    expression
        What `histoniche.omics.expression.prepare_expression` wrote, in this unit.
    differential
        What `histoniche.omics.differential.compare_expression` wrote.
    groups
        comparison, patient, group, label.
    patients
        Covariates by patient.
    covariates
        Those that the tests held equal; patients who miss one were not tested, nor are drawn.
    rule
        q and log2_fold_change, see `histoniche.omics.comparisons.differing`.
    top
        Most genes of a comparison; fewer, but four, where they would not fit.
    figure
        Where the figure goes; ends in `.svg`.
    """
    tests = leading_genes(read_table(differential), rule, top)
    values = log_scale(read_table(expression).set_index("gene"), unit=unit)
    sheet, names = read_table(patients).set_index("patient"), list(covariates)
    tested = [
        rows[rows["patient"].isin(tested_patients(rows, sheet, names, values.columns).index)]
        for _, rows in read_table(groups).groupby("comparison", sort=False)
    ]
    drawn = _values(values, tests, pd.concat(tested))
    with house_style():
        if drawn.empty:
            words = differing_in_words(**rule)
            save_notice(f"No gene differs between groups ({words}).", figure, drawn)
            return
        whole = new_figure(*_size(tests))
        parts = dict(iter(tests.groupby("comparison", sort=False)))
        rows = [-(-len(part) // _COLUMNS) for part in parts.values()]
        fields = whole.subfigures(len(parts), 1, height_ratios=rows, squeeze=False)[:, 0]
        for field, height, (name, part) in zip(fields, rows, parts.items(), strict=True):
            own = drawn[drawn["comparison"] == name]
            labels = own.drop_duplicates("group").set_index("group")["label"]
            heading = f"{labels[CASE]} against {labels[REFERENCE]}"
            field.suptitle(heading, x=0.01, ha="left", size=10, weight="bold")
            panels = field.subplots(height, _COLUMNS, squeeze=False).ravel()
            for axes, test in zip(panels, records(part), strict=False):
                _draw_gene(axes, own[own["gene"] == test["gene"]], test)
            for axes in panels[len(part) :]:
                axes.set_axis_off()
            field.supylabel(_SCALES[unit], size=9)
        footnote(whole, _note(rule, unit))
        save_figure(whole, figure, drawn)


def leading_genes(tests: pd.DataFrame, rule: Mapping[str, float], top: int) -> pd.DataFrame:
    """Rows of the genes of smallest p that differ, by comparison.

    Parameters
    ----------
    tests
        comparison, gene, p, q, log2_fold_change.
    rule
        See `histoniche.omics.comparisons.differing`.
    top
        Most genes of a comparison; of many comparisons fewer, but four.
    """
    up, down = differing(tests, **rule).values()
    sure = tests[up | down].sort_values(["p", "gene"], kind="stable")
    most = min(top, max(_COLUMNS, _MOST_PANELS // max(1, tests["comparison"].nunique())))
    chosen = sure.groupby("comparison", sort=False).head(most)
    order = {name: place for place, name in enumerate(tests["comparison"].unique())}
    return chosen.sort_values(
        "comparison", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def _values(values: pd.DataFrame, tests: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """One row a gene and patient who was tested, with the test."""
    columns = ["comparison", "gene", "log2_fold_change", "p", "q"]
    table = tests[columns].merge(groups, on="comparison")
    found = [
        float(values.at[gene, patient])  # type: ignore[arg-type]
        for gene, patient in zip(table["gene"], table["patient"], strict=True)
    ]
    return table.assign(log2_expression=found)


def _size(tests: pd.DataFrame) -> tuple[float]:
    """Height of the figure."""
    counts = tests.groupby("comparison", sort=False).size()
    return (sum(0.45 + 2.5 * -(-int(number) // _COLUMNS) for number in counts) + 0.6,)


def _draw_gene(axes: Axes, values: pd.DataFrame, test: Mapping[str, Any]) -> None:
    """Boxes of both groups, and the gene's test in words."""
    labels = []
    for place, (group, colour) in enumerate(_SIDES.items()):
        part = values[values["group"] == group]
        draw_box(axes, part["log2_expression"].to_numpy(float), place, colour, width=0.55)
        name = "\n".join(wrap(shorten(str(part["label"].iloc[0]), 2 * _LONGEST), _LONGEST))
        labels.append(f"{name}\nn {len(part):,}")
    label_boxes(axes, labels)
    ends = [test[f"log2_fold_change{end}"] for end in ("", "_low", "_high")]
    head_panel(
        axes,
        shorten(str(test["gene"]), 20),
        f"log2 FC {format_interval(*ends)}",
        f"p {format_p(test['p'])}, q {format_p(test['q'])}",
    )


def _note(rule: Mapping[str, float], unit: Unit) -> str:
    """What the figure shows, and what is to be kept in mind."""
    return (
        f"The genes of smallest p with {differing_in_words(**rule)}; {tested_in_words(unit)}; n: "
        "patients who were tested; q: "
        "Benjamini-Hochberg over all genes of the comparison. log2 FC: log2 fold change with its "
        f"95\u00a0% interval, at equal covariates where some are held equal. {BOX_NOTE} Genes "
        "that were chosen for their p differ less, as a rule, in other patients."
    )
