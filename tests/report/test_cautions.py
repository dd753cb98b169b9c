"""What to be careful with: raised where the data say so, and only there."""

import re

import numpy as np
import pandas as pd
import pytest

from histoniche.report.cautions import careful_section, cautions
from histoniche.report.page import write_summary
from histoniche.report.results import Results
from histoniche.tables import read_table, write_table

STAGES = (
    *("patients", "quality", "areas", "metrics", "agreement", "correlation", "sizes"),
    *("differential", "cox", "groups"),
)


def calm(cox):
    """Hazards that are proportional."""
    return cox.assign(ph_p=0.4)


@pytest.fixture
def raised(results, palette, tmp_path):
    """Cautions after tables were changed, or came in; as (section, text)."""

    def tell(*, lists=None, settings=None, **changes):
        changes = {"cox": calm} | changes
        files = {name: results.path(name) for name in STAGES} | (lists or {})
        for name, change in changes.items():
            files[name] = tmp_path / f"{name}.parquet"
            made = change(read_table(results.path(name))) if callable(change) else change
            write_table(made, files[name])
        run = Results(files, settings or results.settings, palette)
        return [(one.see, one.text) for one in cautions(run)]

    return tell


def only(found):
    (one,) = found
    return one


def test_nothing_is_raised_where_nothing_fails(raised, palette, tmp_path):
    assert raised() == []
    write_table(pd.DataFrame({"patient": ["a"], "time_days": [np.nan]}), tmp_path / "p.parquet")
    run = Results({"patients": tmp_path / "p.parquet"}, {}, palette)
    assert careful_section(run) is None


def first(rows, **values):
    """A change of the first rows of a table."""

    def change(table):
        table = table.copy()
        for name, value in values.items():
            table.loc[table.index[:rows], name] = value
        return table

    return change


def skipped(rows):
    return first(rows, status="skipped", reason="no tissue")


CASES = [
    ("quality", skipped(20), skipped(1), "slides", "no tissue (20)"),
    ("patients", first(25, event=0), first(8, event=0), "patients", "alive when last seen"),
    ("patients", first(12, time_days=np.nan), first(5, time_days=np.nan), "patients",
     "Survival is not known for 12 of 40 patients (30\u00a0%)"),
    ("patients", first(9, age=np.nan), first(8, age=np.nan), "patients",
     "age (9 patients, 22.5\u00a0%)"),
    ("metrics", lambda t: t[:0], first(0), "segmentation", "nobody was held out"),
    ("metrics", lambda t: t.assign(patients=2), lambda t: t.assign(patients=5),
     "segmentation", "rests on 2 test patients"),
    ("metrics", first(1, iou=0.44, iou_low=0.3, iou_high=0.5), first(1, iou=0.5),
     "segmentation", "leading edge (LE) 0.44 (0.30 to 0.50)"),
    ("metrics", lambda t: t.assign(calibration_error=t["calibration_error"] * 5),
     lambda t: t.assign(calibration_error=t["calibration_error"] * 2), "segmentation",
     "expected calibration error 0.15"),
    ("agreement", first(1, pearson_r=0.61), first(1, pearson_r=0.7), "segmentation",
     "leading edge (LE) r 0.61"),
    ("correlation", lambda t: t.assign(n=21), lambda t: t.assign(n=30), "signatures",
     "Signatures rest on 21 patients"),
    ("sizes", first(1, genes_q05=0), first(1, genes_q05=1), "signatures", "5.0 by chance"),
    ("differential", lambda t: t.assign(n_case=4), lambda t: t.assign(n_case=5),
     "comparisons", "idh (4 against 21)"),
    ("cox", lambda t: calm(t).assign(events=29 - 28 * (t["model"] != "univariable")),
     calm, "survival", "Survival rests on 29 deaths"),
    ("cox", lambda t: t.assign(ph_p=np.where(t["term"] == "CT", 0.03, 0.4)),
     lambda t: t.assign(ph_p=0.05), "survival",
     "not proportional for the area of CT (p 0.030): Schoenfeld test, 1 of 7 areas; 39 "
     "patients, 31 deaths"),
    ("cox", lambda t: calm(t).assign(events=np.where(t["model"] == "univariable", 31, 29)),
     lambda t: calm(t).assign(events=np.where(t["model"] == "univariable", 31, 30)),
     "survival", "in 7 of 7 models of an area with covariates (at worst 3 terms on 29 deaths)"),
    ("cox", lambda t: first(2, p=np.nan, note="does not settle")(calm(t)),
     lambda t: first(2, note="remark")(calm(t)), "survival",
     "No estimate by Cox's model for LE: does not settle"),
    ("groups", first(1, n=9), first(1, n=10), "survival", "LE low (9 patients"),
    ("groups", first(1, events=0), first(1, events=1), "survival", "0 deaths"),
]  # fmt: skip
"""Table, a change that raises a caution, one that just does not, the section, and words."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[4][:20]}")
def test_a_caution_is_raised_where_the_data_say_so_and_not_before(raised, case):
    name, change, harmless, see, words = case
    assert raised(**{name: harmless}) == []
    found = raised(**{name: change})
    assert see in [place for place, _ in found]
    assert any(words in text for place, text in found if place == see), found


TESTS = pd.DataFrame(
    {
        "model": "clinical", "term": ["age", "global", "age"], "transform": ["km", "km", "rank"],
        "n": 90, "events": 61, "p": [0.2, 0.2, 0.001],
    }
)  # fmt: skip


def test_models_are_cautioned_against_by_their_own_tests(raised):
    assert raised(model_proportionality=TESTS) == []
    see, text = only(raised(model_proportionality=TESTS.assign(p=[0.03, 0.2, 0.9])))
    assert see == "survival_models"
    assert "age in clinical (p 0.030)" in text and "90 patients, 61 deaths" in text
    forms = pd.DataFrame({"model": ["m"], "score": ["age"], "n": 90, "events": 61, "p": [0.06]})
    assert raised(model_forms=forms) == []
    assert "age in m (p 0.020)" in only(raised(model_forms=forms.assign(p=0.02)))[1]
    warned = pd.DataFrame({"model": ["m", "w"], "note": ["", ""]})
    assert raised(model_tests=warned) == []
    note = "3 parameters on 21 events: fewer than 10 each"
    assert f"w: {note}" in only(raised(model_tests=warned.assign(note=["", note])))[1]


def test_a_risk_that_points_the_wrong_way_is_cautioned_against(raised):
    measured = pd.DataFrame(
        {"model": ["m"], "cohort": ["b"], "n": 50, "events": 30, "harrell": 0.4}
    ).assign(harrell_low=0.3, harrell_high=0.52)
    assert raised(model_performance=measured) == []
    text = only(raised(model_performance=measured.assign(harrell_high=0.49)))[1]
    assert "m in b 0.40 (0.30 to 0.49); 50 patients, 30 deaths" in text


def test_predicted_risks_that_are_off_are_cautioned_against(raised, tmp_path):
    def clinical(slope, ici, notes=()):
        folder = tmp_path / "HTI"
        folder.mkdir(exist_ok=True)
        rows = [("slope", slope), ("ici", ici), ("r2", 0.01)]
        table = pd.DataFrame(rows, columns=["index", "corrected"])
        write_table(table.assign(model="clinical", days=365), folder / "optimism.parquet")
        # As the evaluation leaves it: without a note, without a column.
        found = pd.DataFrame({"note": list(notes)}) if notes else pd.DataFrame()
        write_table(found, folder / "notes.parquet")
        return {"clinical": [folder / "optimism.parquet", folder / "notes.parquet"]}

    assert raised(lists=clinical(0.81, 0.09)) == []
    see, text = only(raised(lists=clinical(0.7, 0.02)))
    assert see == "clinical_use" and "clinical at 365 days, slope 0.70" in text
    assert "ICI 0.12" in only(raised(lists=clinical(1.0, 0.12)))[1]
    assert "HTI: too few" in only(raised(lists=clinical(1.0, 0.02, ["too few"])))[1]


def test_long_lists_are_cut_and_counted(raised):
    text = only(raised(groups=lambda t: t.assign(n=4)))[1]
    assert text.count("4 patients") == 5 and "and 9 more" in text


def test_the_cautions_stand_near_the_top_and_lead_to_their_sections(results, palette, tmp_path):
    out = tmp_path / "s.html"
    files = {name: results.path(name) for name in (*STAGES, "area_correlation")}
    write_summary(out, results=files, settings=results.settings, palette=palette)
    page = out.read_text()
    titles = re.findall(r'<h2 id="(\w+)-title">', page)
    assert titles[:3] == ["glance", "careful", "patients"]
    own = re.search(r'<section id="careful".*?</section>', page, re.S)[0]
    assert "CTne (p" in own and 'See <a href="#survival">Survival</a>.' in own
    # A caution on what has no section of its own leads nowhere.
    del files["area_correlation"]
    write_summary(out, results=files, settings=results.settings, palette=palette)
    assert 'href="#survival"' not in out.read_text()
