"""The section on activities: its numbers are those of the tables."""

import re

import pandas as pd
import pytest

from histoniche.report.page import render
from histoniche.report.results import Results
from histoniche.report.sections.activity import activity_section


def correlation(q):
    rows = [
        ("CT", "go", "Cell_cycle", "gsva", 40, 38, 0.61, 0.0001, q),
        ("CT", "go", "Adhesion", "gsva", 25, 38, 0.05, 0.8, 0.9),
        ("LE", "go", "Synapse", "gsva", 31, 36, -0.44, 0.004, q * 2),
    ]
    columns = ["score", "library", "term", "method", "size", "n", "rho", "p", "q"]
    return pd.DataFrame(rows, columns=columns)


def comparison(q):
    test = ("Mann-Whitney", 210.0, 0.53, 0.21, 0.74, 0.002, q, "")
    rows = [
        ("mgmt", "go", "Cell_cycle", "gsva", 40, "methylated", 17, 0.2, *test),
        ("mgmt", "go", "Cell_cycle", "gsva", 40, "unmethylated", 19, -0.1, *test),
    ]
    columns = ["grouping", "library", "term", "method", "size", "group", "n", "median"]
    columns += ["test", "statistic", "effect", "effect_low", "effect_high", "p", "q", "note"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def text(saved, palette):
    def read(tables, settings=None):
        files = {name: saved(table) for name, table in tables.items()}
        section = activity_section(Results(files, settings or {"activity": {}}, palette))
        page = render([section], study={})
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))

    return read


def test_sure_sets_stand_there_with_their_numbers(text):
    page = text(
        {"activity_correlation": correlation(0.01), "activity_comparison": comparison(0.03)}
    )
    assert re.search(r"CT Cell cycle go 40 38 0\.61 1\.0e-4 0\.01", page)
    assert re.search(r"LE Synapse go 31 36 −0\.44 0\.0040 0\.02", page)
    assert "Adhesion" not in page
    assert "methylated (17), unmethylated (19)" in page
    assert re.search(
        r"mgmt Cell cycle go Mann-Whitney 0\.53 \(0\.21 to 0\.74\) 0\.0020 0\.03", page
    )


def test_nothing_sure_is_said(text):
    page = text({"activity_correlation": correlation(0.2), "activity_comparison": comparison(0.3)})
    assert "No activity goes with a score after correction." in page
    assert "No activity differs after correction." in page


def test_the_method_is_named_and_a_stage_that_did_not_run_has_no_section(text, palette):
    settings = {"activity": {"method": "ssgsea"}}
    assert "ssGSEA" in text({"activity_correlation": correlation(0.01)}, settings)
    assert "Activities between groups" not in text({"activity_correlation": correlation(0.01)})
    section = activity_section(Results({}, {"study": {}}, palette))
    assert section.missing == "no `activity` block" and not section.blocks
