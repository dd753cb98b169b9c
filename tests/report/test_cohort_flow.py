"""The figure of who is left at every step."""

import re

import pandas as pd

from drawings import whole, words
from histoniche.cohort.sources.decisions import Decision, Flow
from histoniche.report.figures.cohort_flow import draw_cohort_flow


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
