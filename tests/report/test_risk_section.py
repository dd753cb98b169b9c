"""What the summary page says of signatures learned from survival."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from histoniche.report.blocks import Paragraph
from histoniche.report.cautions import cautions
from histoniche.report.figures.concordance import draw_concordance
from histoniche.report.figures.risks import draw_risks
from histoniche.report.figures.scans import draw_scan_quality
from histoniche.report.page import write_summary
from histoniche.report.redaction import cleaned_settings
from histoniche.report.results import Results
from histoniche.report.risk_findings import risk_cautions, risk_findings, risk_tiles
from histoniche.report.sections.citations import CITATIONS
from histoniche.report.sections.methods import methods_section
from histoniche.report.sections.risk_citations import risk_citations
from histoniche.report.sections.risk_methods import risk_methods
from histoniche.report.sections.risk_signatures import risk_signatures_section
from imaging_tables import (
    COHORTS,
    IMAGING,
    MAPS,
    SLIDES,
    TRAINING,
    page_tables,
    performance,
    quality,
    risks,
)


@pytest.fixture
def run(saved, palette):
    """Results of a run with these tables, lists and settings."""

    def make(tables, lists=(), **settings):
        files = {name: saved(table) for name, table in tables.items()} | dict(lists)
        return Results(files, settings or {"imaging": IMAGING}, palette)

    return make


def text_of(results, tone=None):
    section = risk_signatures_section(results)
    return " ".join(
        block.text
        for block in section.blocks
        if isinstance(block, Paragraph) and tone in (None, block.tone)
    )


def test_without_a_signature_there_is_no_section(run):
    section = risk_signatures_section(run({"scan_quality": quality()}))
    assert section.missing and not section.blocks


def test_scans_that_fell_out_stand_there_with_their_reasons(run):
    results = run(page_tables())
    assert "135 scans, 133 used, with FA, MD, AD and RD of the tumour." in text_of(results)
    assert "Not used: 2 scans (1 no tumour: the mask is empty and 1 FA above 1: 1.7)." in text_of(
        results, "caution"
    )
    tables = [block for block in risk_signatures_section(results).blocks if block.kind == "table"]
    (left_out,) = [one for one in tables if one.title == "Scans that are not used"]
    assert left_out.rows[0] == ("TR-000", "training", "bad", "no tumour: the mask is empty")
    tilted = quality(bad=()).assign(tilt_degrees=[25.0, 31.4] + [20.0] * 133)
    words = "2 scans with slices more than 20° from the axial plane, up to 31°"
    assert words in text_of(run(page_tables(scan_quality=tilted)))
    assert "axial plane" not in text_of(run(page_tables()))
    fitted = quality(bad=()).assign(maps=["fitted"] * 5 + ["given"] * 130)
    text = text_of(run(page_tables(scan_quality=fitted)))
    assert "Not used" not in text and "5 scans with maps fitted from raw volumes" in text


def test_concordance_stands_with_n_deaths_interval_and_p_of_unseen_patients(run):
    measured = performance()
    measured.loc[3, "p"] = 0.03
    results = run(page_tables(imaging_performance=measured))
    text = text_of(results)
    assert (
        "dls in patients whom no network had seen, concordance: internal 0.76 (0.67 to 0.84; 30 "
        "patients, 15 deaths; p 0.0040, q 0.0080) and external 0.71 (0.62 to 0.79; 25 patients, "
        "12 deaths; p 0.030, q 0.030)."
    ) in text
    assert "which flatters: training 0.86 and tuning 0.81." in text
    assert "few deaths, wide intervals: internal (15) and external (12)" in text
    table = next(
        block for block in risk_signatures_section(results).blocks
        if block.kind == "table" and block.title.startswith("Concordance")
    )  # fmt: skip
    assert table.rows[0] == ("training", "seen", "60 / 30", "0.86 (0.77 to 0.94)", "–", "–")
    numbers = ("30 / 15", "0.76 (0.67 to 0.84)", "0.0040", "0.0080")
    assert table.rows[2] == ("internal", "not seen", *numbers)


def test_chance_reversal_and_missing_deaths_are_cautions(run):
    table = performance()
    table.loc[2, ["low", "high"]] = [0.4, 0.9]
    table.loc[3, ["concordance", "low", "high"]] = [0.3, 0.2, 0.4]
    text = text_of(run(page_tables(imaging_performance=table)), "caution")
    assert "the interval holds 0.5 in internal" in text
    assert "in external patients at the higher risk lived longer" in text
    table.loc[3, ["events", "concordance", "low", "high", "p"]] = [1, *[np.nan] * 4]
    text = text_of(run(page_tables(imaging_performance=table)), "caution")
    assert "Too few deaths to measure dls: external (25 patients, 1 death)." in text
    seen = performance().head(2)
    text = text_of(run(page_tables(imaging_performance=seen)), "caution")
    assert "how well it tells is not known" in text


def test_the_division_is_told_with_deaths_and_who_was_judged_unseen(run):
    tables = page_tables()
    split = tables["imaging_split"]
    deaths = int(split.loc[split["role"] == "train", "event"].sum())
    text = text_of(run(tables))
    assert f"60 patients ({deaths} deaths) to learn from and 19 patients" in text
    assert "(30 in internal and 25 in external)" in text.replace("1 in tuning, ", "")
    assert "different folds" not in text
    apart = run(page_tables(), imaging={**IMAGING, "pretrained": "models"})
    assert "trained elsewhere" in text_of(apart) and "to learn from" not in text_of(apart)


def test_risks_of_a_cross_validation_are_said_to_come_from_several_networks(run):
    results = run(page_tables(folds=5), imaging={**IMAGING, "folds": 5})
    text = text_of(results)
    assert "were divided into 5 folds" in text and "the mean of all networks" in text
    assert "not on one scale" in text_of(results, "caution")
    assert "all folds 0.71 (0.64 to 0.78; 80 patients, 40 deaths" in text
    table = next(
        block for block in risk_signatures_section(results).blocks
        if block.kind == "table" and block.title.startswith("Concordance")
    )  # fmt: skip
    assert [row[0] for row in table.rows][:3] == ["all folds", "fold 0", "fold 1"]
    assert "within the fold alone" in table.note


def test_activation_is_told_by_zone_and_by_group(run):
    tables = page_tables()
    zones = tables["activation_zones"]
    margin = zones[zones["zone"] == "margin"]
    times = (margin["highlighted"] / margin["share"]).median()
    text = text_of(run(tables))
    assert f"its margin {times:.1f} times" in text and "20\u00a0% of each patient" in text
    assert "FA is higher (by 0.040 (0.010 to 0.070); q 0.0020)" in text and "AD is" not in text
    groups = tables["activation_groups"].assign(q=0.4)
    assert "No map differs" in text_of(run(page_tables(activation_groups=groups)))
    lower = tables["activation_groups"].assign(difference=-0.1)
    assert "FA is lower" in text_of(run(page_tables(activation_groups=lower)))
    assert "knows by heart" not in text_of(run(page_tables()))
    seen = tables["activation_groups"].assign(n_seen=9)
    text = text_of(run(page_tables(activation_groups=seen)), "caution")
    assert "9 patients of these a network had learned from or was chosen by" in text
    alone = tables["activation_groups"].assign(n_high=1, p=np.nan, q=np.nan)
    text = text_of(run(page_tables(activation_groups=alone)), "caution")
    assert "Too few patients to compare: 1 of high" in text


def test_both_signatures_stand_beside_each_other(run):
    scores, _ = risks(score="slide_signature")
    tables = page_tables(
        slide_signature_performance=performance(shift=0.1), slide_signature_scores=scores
    )
    results = run(tables, imaging=IMAGING, slide_signature=SLIDES)
    text = text_of(results)
    assert "dls (imaging signature) and slide_signature (slide signature)" in text
    assert "slide_signature in patients whom no network had seen" in text
    table = next(
        block for block in risk_signatures_section(results).blocks
        if block.kind == "table" and block.title.startswith("Concordance")
    )  # fmt: skip
    assert {row[0] for row in table.rows} == {"dls", "slide_signature"}
    # One correction over the cohorts of both.
    second = performance().assign(p=[0.5, 0.5, 0.001, 0.02])
    both = run({**tables, "slide_signature_performance": second}, **results.settings)
    text = " ".join(one.text for one in risk_findings(both))
    found = set(re.findall(r"p (\S+, q [^;]+);", text))
    assert found == {"0.0040, q 0.0053", "0.0010, q 0.0040", "0.020, q 0.020"}
    alone = run(
        {"slide_signature_performance": performance(), "slide_signature_scores": scores},
        slide_signature=SLIDES,
    )
    assert "scans" not in text_of(alone) and "slide signature" in text_of(alone)


def test_the_page_escapes_patients_and_reasons_and_shows_the_figures(
    run, results, palette, saved, tmp_path
):
    table = quality(bad=("grid <of> FA & MD differs",))
    table.loc[0, "patient"] = "<script>alert(1)</script>"
    scores, patients = risks()
    names = ("risk_concordance", "risks_imaging", "imaging_quality")
    figures = [tmp_path / "figures" / f"{name}.svg" for name in names]
    draw_concordance(
        {"dls": saved(performance())}, confidences={"dls": 0.95}, concordance_figure=figures[0]
    )
    draw_risks(saved(scores), saved(patients), score="dls", risks_figure=figures[1])
    draw_scan_quality(saved(table), maps=MAPS, quality_figure=figures[2])
    picture = tmp_path / "scans" / "TR-001" / "picture.png"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (300, 200), "#445566").save(picture)
    files = {name: saved(one) for name, one in page_tables(scan_quality=table).items()}
    out = tmp_path / "page.html"
    write_summary(
        out,
        results={
            "patients": results.files["patients"], **files, "figures": figures,
            "scan_pictures": [picture],
        },
        settings={**results.settings, "imaging": IMAGING},
        palette=palette,
    )  # fmt: skip
    page = out.read_text(encoding="utf-8")
    own = re.search(r'<section id="risk_signatures".*?</section>', page, re.DOTALL)[0]
    assert page.count("<script") == 1 and "<script" not in own
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in own
    assert "grid &lt;of&gt; FA &amp; MD differs" in own
    assert own.count("<figure") == 3 and own.count("data:image/jpeg") == 1
    assert "concordance of dls" in page and "tells who dies sooner" in page


def test_findings_hold_by_q_over_all_cohorts_and_scores(run):
    table = performance()
    table["p"] = [1e-9, 1e-9, 0.03, 0.06]
    found = list(risk_findings(run(page_tables(imaging_performance=table))))
    assert [one.verdict for one in found] == ["open"]
    table["p"] = [0.9, 0.9, 0.02, 0.03]
    found = list(risk_findings(run(page_tables(imaging_performance=table))))
    assert [one.verdict for one in found] == ["holds"]
    assert (
        "The imaging signature dls tells who dies sooner in patients whom no network had seen, "
        "internal: concordance 0.76 (0.67 to 0.84), p 0.020, q 0.030; 30 patients, 15 deaths; "
        "external: concordance "
    ) in found[0].text
    table.loc[2, ["concordance", "low", "high"]] = [0.3, 0.2, 0.4]
    found = list(risk_findings(run(page_tables(imaging_performance=table))))
    assert [one.verdict for one in found] == ["caution", "holds"]
    assert "points the wrong way" in found[0].text and "external" not in found[0].text


def test_a_signature_that_nobody_can_be_measured_by_is_a_caution(run):
    patients = pd.DataFrame({"patient": ["P1"], "time_days": [90.0], "event": [1]})
    tables = page_tables(imaging_performance=performance().head(2), patients=patients)
    nobody = run(tables)
    (one,) = risk_cautions(nobody)
    assert one.verdict == "caution" and "is not known" in one.text
    assert one.see == "risk_signatures" and one in cautions(nobody)
    # Once is enough: the glance is short.
    assert list(risk_findings(nobody)) == [] and list(risk_tiles(nobody)) == []
    nothing = run({})
    assert not [*risk_findings(nothing), *risk_tiles(nothing), *risk_cautions(nothing)]


def test_the_tile_holds_the_largest_unseen_cohort(run):
    (tile,) = risk_tiles(run(page_tables()))
    assert (tile.value, tile.label) == ("0.76", "concordance of dls")
    assert tile.note == "(0.67 to 0.84), internal, 30 patients"


def test_methods_are_those_of_the_settings(run):
    text = " ".join(risk_methods(run(page_tables())))
    for words in (
        "FA, MD, AD and RD (diffusivities stated in mm²/s)",
        "4 axial slices at equal distances were cut out and brought to 128 pixels a side",
        "16 images a patient",
        "a scan that failed was left out",
        "resnet34, started at random, over each slice with its maps as channels",
        "Cox's partial likelihood with Efron's ties over the patients of a batch of 64",
        "up to 100 epochs, optimiser adamw, learning rate 0.001, weight decay 0.0001",
        "lowest validation loss were kept; training stopped after 20 epochs",
        "changed at random: flip.",
        "1,000 bootstrap samples",
        "the 20\u00a0% of the slices with the highest activation",
        "above and up to the frozen cut-point",
    ):
        assert words in text, words
    assert "fold's training" not in text
    other = {
        **IMAGING, "on_bad_scan": "fail", "maps": ["T1c"], "folds": 5,
        "sample": {"slices": 1, "side": 64, "margin": 5},
        "training": {**TRAINING, "ties": "breslow", "monitor": "validation_concordance",
                     "depth": 3},
    }  # fmt: skip
    text = " ".join(risk_methods(run(page_tables(), imaging=other)))
    for words in (
        "Scans: T1c", "stopped the run", "with 5 mm around it, 1 axial slice", "Breslow's ties",
        "highest validation concordance", "resnet34, down to maps of 1/8 of the side",
        "the fold's training patients",
    ):  # fmt: skip
        assert words in text, words
    brought = {**IMAGING, "pretrained": "somewhere/models"}
    text = " ".join(risk_methods(run(page_tables(), imaging=brought)))
    assert "networks trained elsewhere" in text and "somewhere" not in text


def test_references_are_those_of_what_ran(run):
    results = run({**page_tables(), "patients": risks()[1]})
    names = list(risk_citations(results))
    assert names == [*("DTI signature", "ResNet", "dipy", "nibabel", "CAM", "ties", "concordance")]
    assert "doi:10.1016/j.ebiom.2021.103583" in CITATIONS["DTI signature"]
    bullets = [block for block in methods_section(results).blocks if block.kind == "bullets"]
    assert any("a rank among patients" in item for item in bullets[0].items)
    assert CITATIONS["CAM"] in bullets[1].items
    slides = {"slide_signature_performance": performance()}
    settings = {**SLIDES, "training": {**TRAINING, "ties": "breslow"}}
    names = list(risk_citations(run(slides, slide_signature=settings)))
    assert names == ["attention", "concordance"]
    assert list(risk_citations(run({}))) == []


def test_the_unit_of_diffusivities_keeps_its_slash_in_the_bundle():
    text = cleaned_settings({"imaging": {**IMAGING, "scans": "/data/scans.tsv"}})
    assert "unit: mm2/s" in text and "scans: scans.tsv" in text and "/data" not in text


def test_cohorts_are_told_in_the_order_of_the_table(run):
    table = performance(cohorts=dict(reversed(COHORTS.items())))
    text = text_of(run(page_tables(imaging_performance=pd.DataFrame(table))))
    assert text.index("external 0.8") < text.index("internal 0.8")
