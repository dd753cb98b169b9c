"""The section of the summary page on traits."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from histoniche.report.figures.heterogeneity import draw_heterogeneity
from histoniche.report.figures.training import draw_learning_curves
from histoniche.report.figures.trait_comparisons import draw_chain, draw_trait_comparisons
from histoniche.report.figures.trait_roc import draw_trait_confusion, draw_trait_roc
from histoniche.report.figures.trait_rounds import draw_trait_rounds
from histoniche.report.numbers import format_interval, format_p
from histoniche.report.page import write_summary
from histoniche.tables import write_table
from histoniche.traits.round_table import round_table
from page_numbers import check_numbers, run_of
from trait_settings import FOLDS, MGMT, MIL, TRAITS
from trait_tables import SETS, chain_tables, curves_and_metrics, two_trainings

SETTINGS = {"traits": TRAITS}
LEVELS = {"slide": 60, "patient": 40}


def labels():
    rows = [(f"HN-{k:03d}-A", f"HN-{k:03d}", "MGMT", "un" if k % 3 else "meth", np.nan, "in", None)
            for k in range(1, 31)]  # fmt: skip
    rows += [("HN-031-A", "HN-031", "MGMT", None, np.nan, "unlabelled", "no value in mgmt")]
    rows += [
        (f"HN-{k:03d}-A", f"HN-{k:03d}", "EGFR", "low" if k < 20 else "high", k / 40, name, None)
        for k, name in ((4, "in"), (9, "near"), (20, "far"), (38, "in"))
    ]
    columns = ["slide", "patient", "trait", "class", "percentile", "set", "reason"]
    return pd.DataFrame(rows, columns=columns)


def metrics():
    one = curves_and_metrics(trait="MGMT", levels=LEVELS)[1]
    two = curves_and_metrics(trait="EGFR", classes=("low", "high"), sets=SETS, levels=LEVELS)[1]
    return pd.concat([one, two])


@pytest.fixture
def page(results, palette, tmp_path):
    """The page of a run that left these tables and pictures behind."""

    def write(tables, lists=(), **settings):
        files = {"patients": results.files["patients"]}
        for name, table in tables.items():
            files[name] = tmp_path / f"{name}.parquet"
            write_table(table, files[name])
        out = tmp_path / "s.html"
        files |= dict(lists)
        whole = {**results.settings, **(settings or SETTINGS)}
        write_summary(out, results=files, settings=whole, palette=palette)
        text = out.read_text(encoding="utf-8")
        check_numbers(text, run_of(files, whole, tmp_path / "figures"))
        found = re.search(r'<section id="traits".*?</section>', text, re.DOTALL)
        return found[0] if found else ""

    return write


def words(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def rows_of(text):
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.S)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows if "<td" in row]


def test_what_was_learned_from_what_is_told(page):
    text = words(page({"trait_labels": labels(), "trait_metrics": metrics()}))
    assert (
        "From the column mgmt of the patients. 20 slides of 20 patients un and 10 slides of 10"
        in text
    )
    assert "Left out: 1 slide (1 no value in mgmt)." in text
    assert (
        "From the expression of EGFR: below the 20th percentile low, above the 80th high." in text
    )
    assert "2 slides between the cuts set aside, 1 of them next to a cut." in text


def test_numbers_stand_with_their_intervals(page):
    table = metrics()
    text = page({"trait_metrics": table})
    own = table[
        (table["trait"] == "MGMT") & (table["level"] == "patient") & (table["metric"] == "auroc")
        & (table["round"] == "ensemble")
    ].iloc[0]  # fmt: skip
    area = f"{own['value']:.2f} ({own['low']:.2f} to {own['high']:.2f})"
    assert f"AUROC of patients {area} in 40 test patients" in words(text)
    mine = [row for row in rows_of(text) if row[:3] == ["Test", "Patients", "meth"]]
    assert mine == [
        [
            "Test",
            "Patients",
            "meth",
            "ensemble",
            "40",
            "60",
            area,
            "0.80 (0.70 to 0.90)",
            *["–"] * 3,
            "–",
        ]
    ]
    assert [row[0] for row in rows_of(text) if row[2] == "high"] == [
        *["Test"] * 2, *["OOD-near"] * 2, *["OOD-all"] * 2,
    ]  # fmt: skip


def test_chance_and_few_patients_are_cautions(page):
    table = metrics()
    table.loc[table["metric"] == "auroc", "low"] = 0.4
    assert "no better than chance could be shown" in page({"trait_metrics": table})
    table["n_patients"] = 4
    assert "With 4 patients the interval says little" in page({"trait_metrics": table})


def test_a_cross_validation_stands_out_of_fold_and_rounds_alone_by_their_median(page):
    table = curves_and_metrics(trait="T", rounds=(0, 1, "out_of_fold"), levels=LEVELS)[1]
    text = page({"trait_metrics": table})
    assert [row[3] for row in rows_of(text) if row[:2] == ["Test", "Slides"]] == ["out of fold"]
    # The ensemble is measured on one set, the others by what there is.
    both = pd.concat([table, curves_and_metrics(trait="T", sets=("near",), levels=LEVELS)[1]])
    text = page({"trait_metrics": both})
    judges = {tuple(row[:2]): row[3] for row in rows_of(text) if len(row) > 5}
    assert judges["Test", "Slides"] == "out of fold" and judges["OOD-near", "Slides"] == "ensemble"
    alone = table[table["round"] != "out_of_fold"].copy()
    alone.loc[alone["round"].astype(str) == "1", "n_patients"] = 7
    text = page({"trait_metrics": alone})
    middle = alone[(alone["level"] == "slide") & (alone["metric"] == "auroc")]["value"].median()
    (row,) = [row for row in rows_of(text) if row[:2] == ["Test", "Slides"]]
    assert row[3:5] == ["median of 2 rounds", "7 to 40"] and row[6] == f"{middle:.2f}"


def test_the_correlation_with_what_was_measured_is_told(page):
    rows = [
        ("EGFR", "unseen", "ensemble", "slide", 0.61, 0.4, 0.75, 80),
        ("EGFR", "unseen", "0", "slide", 0.5, 0.3, 0.7, 80),
        ("EGFR", "ood_all", "ensemble", "slide", 0.32, 0.1, 0.5, 60),
        ("EGFR", "test", "ensemble", "slide", np.nan, np.nan, np.nan, 1),
    ]
    columns = ["trait", "set", "model", "level", "rho", "low", "high", "patients"]
    tables = {"trait_metrics": metrics(), "trait_agreement": pd.DataFrame(rows, columns=columns)}
    assert (
        "percentile: 0.61 (0.40 to 0.75) in test and OOD together (80 patients) and 0.32 (0.10 to "
        "0.50) in OOD-all (60 patients)."
    ) in words(page(tables))


def test_figures_and_pictures_stand_in_the_section(page, saved, tmp_path):
    roc, numbers, confusion = curves_and_metrics(trait="MGMT", levels=LEVELS)
    names = ("trait_rounds", "trait_roc_MGMT", "trait_confusion_MGMT", "heterogeneity_HTI")
    names += ("trait_training_MGMT", "trait_comparisons", "chain_grades")
    figures = [tmp_path / "figures" / f"{name}.svg" for name in names]
    hti = pd.DataFrame({"patient": [f"P{k}" for k in range(9)], "hti": np.linspace(0, 1, 9)})
    hti["score"] = "HTI"
    hti.loc[0, "hti"] = np.nan
    draw_trait_rounds(saved(numbers), traits=["MGMT"], rounds_figure=figures[0])
    common = {"trait": "MGMT", "classes": ("un", "meth")}
    draw_trait_roc(saved(roc), saved(numbers), **common, roc_figure=figures[1])
    draw_trait_confusion(saved(confusion), **common, confusion_figure=figures[2])
    draw_heterogeneity(
        saved(hti), score="HTI", traits=["A", "B"], cuts=(0.5, 0.5), heterogeneity_figure=figures[3]
    )
    draw_learning_curves(
        [], figures[4], measure="x", label="x", monitor="x", title=str, division="rounds"
    )
    other = curves_and_metrics(trait="B", levels=LEVELS, seed=3)[1]
    compared = two_trainings(numbers, other)
    both = saved(pd.concat([numbers, other]))
    draw_trait_comparisons(saved(compared), both, comparisons_figure=figures[5])
    rounds, chained = map(saved, chain_tables())
    draw_chain(rounds, chained, chain="grades", chain_figure=figures[6])
    lists = {"figures": figures, "trait_chains": [chained]}
    for key, folder, name in (
        ("heat_maps", "S1", "heat_map"), ("heterogeneity_maps", "S1", "heterogeneity_HTI"),
        ("trait_galleries", "MGMT", "gallery"),
    ):  # fmt: skip
        path = tmp_path / "traits" / folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (900, 500), "#AA3355").save(path)
        lists[key] = [path]
    tables = {"trait_metrics": numbers, "heterogeneity": hti, "trait_comparisons": compared}
    text = page(tables, lists)
    assert text.count("<figure") == 7 and text.count("data:image/jpeg") == 3
    assert "Heat maps, 1 of 1 slide" in text and "Surest tiles, right and wrong" in text
    assert "HTI, 8 patients: median 0.56" in words(text)
    assert "1 patient without a positive tile left out." in words(text)


def test_an_index_that_no_slide_has_is_told_of(page):
    nobody = pd.DataFrame({"score": [], "hti": []}).astype({"score": object})
    traits = {**TRAITS, "heterogeneity": {"HTI": {"traits": ["A"]}}}
    text = page({"trait_labels": labels(), "heterogeneity": nobody}, traits=traits)
    assert "HTI: no patient has a tile that is positive for a trait." in words(text)


@pytest.mark.parametrize(
    "tables",
    [
        {"trait_labels": labels()},
        {"trait_labels": labels().head(0), "trait_metrics": metrics().head(0)},
        {
            "trait_labels": labels(),
            "heterogeneity": pd.DataFrame({"score": ["HTI"], "hti": [np.nan]}),
        },
    ],
)
def test_parts_that_did_not_run_leave_no_hole(page, tables):
    text = page(tables)
    assert 'id="traits-title"' in text
    if len(tables["trait_labels"]):
        assert "how well it is told is unknown" in text
    assert ("no patient has a tile that is positive" in text) == ("heterogeneity" in tables)


def test_a_study_without_traits_has_no_such_section(page):
    assert page({}) == ""


def test_a_cross_validation_says_who_judges_whom(page):
    own = {**TRAITS, "rounds": FOLDS}
    text = words(page({"trait_labels": labels()}, traits=own))
    assert "into 4 folds: each patient is judged by the network that never saw them." in text
    assert "whom the network had not seen" not in text


def test_bags_are_said_to_learn_from_the_label_of_the_slide(page, tmp_path):
    path = tmp_path / "maps" / "S1" / "heat_maps.png"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (90, 50), "#AA3355").save(path)
    own = {
        **TRAITS,
        "named": {"MGMT": MGMT, "Type": {**MGMT, "method": "mil"}},
        "mil": MIL,
        "features": {"encoder": "vit<small>"},
    }
    text = page({"trait_labels": labels()}, {"heat_maps": [path]}, traits=own)
    assert "Networks learned MGMT from tiles" in text
    assert "Type was learned from the label of the slide alone, by attention on features" in text
    assert "<code>vit&lt;small&gt;</code>" in text
    assert "Attention: how much a tile counted for the slide" in text
    only = {**own, "named": {"Type": {**MGMT, "method": "mil"}}}
    assert "tiles that inherit" not in page({"trait_labels": labels()}, traits=only)


def test_networks_from_elsewhere_are_a_caution(page, tmp_path):
    path = tmp_path / "maps" / "S1" / "heat_maps.png"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (90, 50), "#AA3355").save(path)
    own = {**TRAITS, "pretrained": "/somewhere/models"}
    text = page({}, {"heat_maps": [path]}, traits=own)
    assert "Networks trained elsewhere were applied: MGMT and EGFR." in text
    assert "/somewhere" not in text and "Attention" not in text


def test_rounds_and_ensemble_stand_in_one_table(page):
    rows = [
        ("test", "0", 0.6, 0.5, 0.7),
        ("test", "1", 0.8, 0.7, 0.9),
        ("test", "ensemble", 0.85, 0.75, 0.95),
        ("ood_near", "ensemble", 0.55, 0.5, 0.6),
    ]
    own = pd.DataFrame(rows, columns=["set", "model", "value", "low", "high"])
    shared = {"trait": "EGFR", "level": "slide", "class": "high", "metric": "auroc"}
    table = round_table([own.assign(**shared, patients=40, slides=60, positives=20)])
    text = page({"trait_labels": labels(), "trait_rounds_table": table})
    (row,) = [row for row in rows_of(text) if row[:2] == ["EGFR", "high"]]
    assert row[2:6] == ["2", "0.70", "0.60", "0.80"]
    assert row[6:] == ["0.85 (0.75 to 0.95)", "40", "0.55 (0.50 to 0.60)", "40", "–", "0"]
    assert "Single rounds and the ensemble" in text
    own = {**TRAITS, "rounds": FOLDS}
    text = page({"trait_labels": labels(), "trait_rounds_table": table}, traits=own)
    assert "Single rounds and out of fold" in text
    assert "Out of fold: each slide by the network that tests its patient" in words(text)


def test_two_trainings_are_compared_with_what_their_p_does_not_say(page):
    first = curves_and_metrics(trait="A", levels=LEVELS)[1]
    second = curves_and_metrics(trait="B", levels=LEVELS, shift=2.0, seed=3)[1]
    table = two_trainings(first, second, name="b <i>")
    text = page({"trait_metrics": pd.concat([first, second]), "trait_comparisons": table})
    own = table[(table["level"] == "patient") & (table["metric"] == "auroc")].iloc[0]
    (row,) = [row for row in rows_of(text) if row[:3] == ["Patients", "meth", "AUROC"]]
    assert row[3:] == [
        f"{own['first_mean']:.2f}", f"{own['second_mean']:.2f}",
        format_interval(own["difference"], own["low"], own["high"], decimals=3),
        format_p(own["p"]), format_p(own["q"]), "5",
    ]  # fmt: skip
    assert "b &lt;i&gt;: B against A" in text and "Paired t-test." in text
    assert "Runs share patients, so p speaks of the chance in training" in text


def test_chains_stand_beside_one_model_step_by_step(page, tmp_path):
    _, tests = chain_tables()
    path = tmp_path / "grades" / "comparison.parquet"
    write_table(tests, path)
    empty = tmp_path / "none" / "comparison.parquet"
    write_table(tests.head(0), empty)
    text = page({"trait_labels": labels()}, {"trait_chains": [path, empty]})
    assert text.count("the chain against one model</caption>") == 1
    rows = [row for row in rows_of(text) if row[2] == "called right"]
    assert [row[:2] for row in rows] == [
        ["Tiles", "all classes"], ["Tiles", "gbm"], ["Slides", "all classes"], ["Slides", "gbm"],
    ]  # fmt: skip
    own = tests[(tests["level"] == "tile") & (tests["step"] == "gbm") & (tests["class"] == "all")]
    assert rows[1][3] == f"{own['first_mean'].iloc[0]:.2f}" and rows[1][-1] == "3"
    # No correction was made, so no column says so.
    assert ">q</th>" not in text.split("the chain against one model")[1].split("</table>")[0]


def test_slides_of_patients_set_aside_come_first(page, results, tmp_path):
    quality = pd.DataFrame({"slide": ["S1", "S2"], "patient": ["P1", "P2"], "status": "ok"})
    divided = pd.DataFrame(
        {"patient": ["P1", "P2"], "round": [0.0, np.nan], "role": ["train", "test"]}
    )
    paths = []
    for slide in ("S1", "S2"):
        paths.append(tmp_path / slide / "heat_maps.png")
        paths[-1].parent.mkdir()
        Image.new("RGB", (90, 50), "#AA3355").save(paths[-1])
    columns = pd.read_parquet(results.path("quality")).head(2).reset_index(drop=True)
    tables = {"trait_division": divided, "quality": columns.assign(**quality)}
    text = page(tables, {"heat_maps": paths})
    assert text.index("S2") < text.index("S1")


def test_who_was_seen_is_told_of_the_index(page):
    hti = pd.DataFrame({"score": "HTI", "hti": [0.2, 0.4, np.nan], "unseen": [True, False, True]})
    text = words(page({"trait_labels": labels(), "heterogeneity": hti}))
    assert "1 of them was seen by none of the networks." in text
