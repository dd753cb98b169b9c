"""The figure of who is left at every step."""

import re

import pandas as pd
import pytest

from drawings import whole, words
from histoniche.cohort.sources.decisions import Decision, Flow
from histoniche.report.figures.cohort_flow import draw_cohort_flow
from histoniche.report.page import write_summary
from histoniche.tables import write_table


def save(flow, path):
    flow.count_table().to_csv(path, sep="\t", index=False)
    return path


def slides_out(reason, *patients):
    names = enumerate(patients)
    return [Decision("slide", f"{p}-{k}", p, False, "s", reason) for k, p in names]


def test_every_count_and_reason_stands_in_the_chart(tmp_path):
    flow = Flow()
    flow.kept("Cases of TCGA-GBM", patients=617)
    withdrawn = [Decision("patient", "P1", "P1", False, "w", "withdrawn by the GDC (Redaction)")]
    flow.left_out("withdrawn", withdrawn)
    flow.kept("Slides listed", patients=390, slides=2053)
    flow.left_out("slides", slides_out("section: frozen", "A", "A", "B"))
    flow.left_out("slides", slides_out("sample type: Recurrent Tumor", "C"))
    flow.kept("Slides used", patients=389, slides=860)
    flow.of_these("with survival time", 380)
    flow.of_these("died", 0)
    figure = tmp_path / "flow.svg"
    draw_cohort_flow(save(flow, tmp_path / "flow.tsv"), figure=figure)
    assert whole(figure)
    text = words(figure)
    for expected in (
        "Cases of TCGA-GBM: 617 patients",
        "withdrawn by the GDC (Redaction): 1 patient",
        "Slides listed: 2,053 slides of 390 patients",
        "section: frozen: 3 slides of 2 patients",
        "sample type: Recurrent Tumor: 1 slide of 1 patient",
        "Slides used: 860 slides of 389 patients",
        "with survival time: 380 patients",
        "died: 0 patients",
    ):
        assert expected in text
    assert len(pd.read_csv(figure.with_suffix(".tsv"), sep="\t")) == 8


def test_long_reasons_are_folded_into_their_box(tmp_path):
    flow = Flow()
    flow.kept("Slides listed", patients=1, slides=2)
    flow.left_out("slides", slides_out("a reason " * 15 + "end", "A"))
    figure = tmp_path / "flow.svg"
    draw_cohort_flow(save(flow, tmp_path / "flow.tsv"), figure=figure)
    lines = [
        line for line in re.findall(r">([^<>]+)</text", figure.read_text()) if "reason" in line
    ]
    assert len(lines) >= 3 and max(map(len, lines)) <= 62


@pytest.fixture
def page(results, palette, tmp_path):
    """The summary page of a cohort that came about by this flow."""

    def write(flow):
        figure = tmp_path / "figures" / "cohort_flow.svg"
        figure.parent.mkdir(exist_ok=True)
        draw_cohort_flow(save(flow, tmp_path / "flow.tsv"), figure=figure)
        decisions = tmp_path / "decisions.parquet"
        write_table(flow.decision_table(), decisions)
        files = {"patients": results.path("patients"), "cohort_decisions": decisions}
        out = tmp_path / "summary.html"
        write_summary(
            out,
            results=files | {"figures": [figure]},
            settings=results.settings,
            palette=palette,
        )
        return out.read_text()

    return write


def cells(text, title):
    table = text[text.index(f"<caption>{title}</caption>") :]
    rows = re.findall(r"<tr>(.*?)</tr>", table[: table.index("</table>")], re.S)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows[1:]]


def test_the_page_shows_the_flow_and_what_was_left_out_why(page):
    flow = Flow()
    flow.kept("Slides listed", patients=4, slides=9)
    flow.left_out("slides", slides_out("section: <frozen>", "A", "A", "B"))
    flow.left_out("patients", [Decision("patient", "P1", "P1", False, "w", "withdrawn")])
    flow.decisions.append(Decision("slide", "C-0", "C", True, "s", ""))
    text = page(flow)
    assert "From the public source to this study" in text and "4 patients" in text
    assert '<a href="figures/cohort_flow.svg">SVG</a>' in text
    assert cells(text, "Left out on the way") == [
        ["s", "slide", "section: &lt;frozen&gt;", "3", "2"],
        ["w", "patient", "withdrawn", "1", "1"],
    ]
    assert [row[1] for row in cells(text, "Left out, one by one")] == ["A-0", "A-1", "B-2", "P1"]


def test_of_many_left_out_the_page_counts_them_alone(page):
    flow = Flow()
    flow.kept("Slides listed", patients=1, slides=300)
    flow.left_out("slides", slides_out("section: frozen", *["A"] * 201))
    text = page(flow)
    assert cells(text, "Left out on the way") == [["s", "slide", "section: frozen", "201", "1"]]
    assert "Left out, one by one" not in text and "All 201 decisions stand" in text


def test_a_cohort_that_lost_nobody_says_so_and_one_of_its_own_has_no_flow(
    page, results, palette, tmp_path
):
    flow = Flow()
    flow.kept("Slides listed", patients=1, slides=1)
    assert "Nothing that the source lists was left out." in page(flow)
    out = tmp_path / "own.html"
    files = {"patients": results.path("patients")}
    write_summary(out, results=files, settings=results.settings, palette=palette)
    assert "public source" not in out.read_text()
