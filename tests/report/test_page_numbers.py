"""Numbers of the summary page against the tables they come from, read out of its HTML."""

import numpy as np
import pandas as pd
import pytest

from histoniche.report.figures.areas import draw_areas
from histoniche.report.page import write_summary
from histoniche.tables import read_table, write_table
from page_numbers import check_numbers, run_of

KEYS = (
    *("patients", "split", "quality", "areas", "metrics", "agreement", "decisions"),
    *("correlation", "signatures", "sizes", "enrichment", "expression_patients"),
    *("mutation_patients", "comparison_groups", "differential", "differential_enrichment"),
    *("groups", "curves", "cox", "area_correlation"),
)


@pytest.fixture(scope="module")
def written(results, palette, tmp_path_factory):
    """Writes the page of these tables, some of them changed; with the run as it truly is."""
    folder = tmp_path_factory.mktemp("numbers")
    at = {"by_region": folder / "areas.svg", "composition": folder / "composition.svg"}
    draw_areas(results.path("areas"), palette, measure="area_mm2", **at)
    files = {key: results.files[key] for key in KEYS}

    def write(**changes):
        shown = dict(files)
        for name, change in changes.items():
            shown[name] = folder / f"{name}.parquet"
            write_table(change(read_table(results.path(name))), shown[name])
        shown["figures"] = list(at.values())
        out = folder / "summary.html"
        write_summary(out, results=shown, settings=results.settings, palette=palette)
        return out.read_text(encoding="utf-8"), run_of(files, results.settings, folder)

    return write


def swapped(first, second):
    """A table whose columns stand for each other, as if a section took the wrong one."""
    return lambda table: table.rename(columns={first: second, second: first})


def test_every_number_of_the_page_is_that_of_its_table(written):
    assert check_numbers(*written()) > 900


@pytest.mark.parametrize(
    ("name", "change", "title"),
    [
        ("cox", swapped("low", "high"), "Cox models"),
        ("cox", swapped("p", "ph_p"), "Cox models"),
        ("cox", swapped("n", "events"), "Cox models"),
        ("groups", swapped("p", "q"), "Groups by area"),
        ("groups", swapped("median_low", "hazard_ratio"), "Groups by area"),
        ("metrics", swapped("precision", "recall"), "by region"),
        ("metrics", swapped("iou", "iou_high"), "by region"),
        ("sizes", swapped("genes", "genes_q05"), "Sizes of"),
        ("sizes", lambda table: table.assign(tested=table["tested"] + 1), "Sizes of"),
        ("enrichment", swapped("overlap", "set_size"), "Leading gene sets"),
        ("enrichment", swapped("odds_ratio", "background"), "Leading gene sets"),
        ("differential", swapped("log2_fold_change", "error"), "Leading genes|Genes with"),
        ("differential_enrichment", swapped("library", "term"), "Gene sets of"),
        ("areas", lambda table: table.assign(area=table["area"] * 1.01), "over the patients"),
        ("signatures", lambda table: table.assign(rho=table["rho"] + 0.01), "Leading genes"),
        ("split", lambda table: table.iloc[1:], "Roles"),
        ("patients", lambda table: table.assign(age=table["age"] + 1), "Covariates"),
        ("expression_patients", lambda table: table.assign(used=True), "Who fell out"),
        (
            "quality",
            lambda table: table.assign(reason=np.roll(table["reason"], 1)),
            "Slides not used",
        ),
    ],
)
def test_a_column_that_is_not_its_own_is_found_out(written, name, change, title):
    with pytest.raises(AssertionError, match=title):
        check_numbers(*written(**{name: change}))


def test_a_number_written_by_hand_is_found_out(written):
    text, run = written()
    for true, false in (("2.41 (1.65 to 3.52)", "2.42 (1.65 to 3.52)"), (">0.66<", ">0.67<")):
        assert true in text
        with pytest.raises(AssertionError):
            check_numbers(text.replace(true, false), run)


def test_a_figures_table_that_is_not_that_of_its_file_is_found_out(written):
    text, run = written()
    assert text.count("<details>") == 1
    path = run.figures / "composition.tsv"
    kept = path.read_text()
    table = pd.read_csv(path, sep="\t", dtype=str)
    table.iloc[3, -1] = "0.123457"
    table.to_csv(path, sep="\t", index=False)
    with pytest.raises(AssertionError, match=r"composition\.tsv"):
        check_numbers(text, run)
    path.write_text(kept)
    assert check_numbers(text, run) > 900
