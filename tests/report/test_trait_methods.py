"""What is said at the top of the page, and in its methods, of traits."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.report.results import Results
from histoniche.report.sections.citations import CITATIONS
from histoniche.report.sections.methods import methods_section
from histoniche.report.sections.trait_citations import trait_citations
from histoniche.report.sections.trait_methods import trait_methods
from histoniche.report.trait_findings import told, trait_cautions, trait_findings
from trait_settings import FOLDS, MGMT, MIL, SCORING, TRAITS
from trait_tables import curves_and_metrics

TILINGS = {"cell": {"mpp": 0.5, "size": 512}}


@pytest.fixture
def run(saved, palette):
    """Results of a run with these tables, lists and settings."""

    def make(block=TRAITS, lists=(), **tables):
        files = {name: saved(table) for name, table in tables.items()} | dict(lists)
        return Results(files, {"traits": block, "tilings": TILINGS}, palette)

    return make


def text_of(results):
    return " ".join(trait_methods(results))


def test_labels_network_rounds_and_vote_are_those_of_the_settings(run):
    rows = [("P1", np.nan, "test"), ("P2", np.nan, "test"), ("P3", 0, "train")]
    division = pd.DataFrame(rows, columns=["patient", "round", "role"])
    text = text_of(run(trait_division=division))
    for words in (
        "MGMT by the column `mgmt` of the patients (un and meth)",
        "EGFR by the expression of EGFR (below the 20th percentile low, above the 80th high",
        "2 patients were set aside to test",
        "divided 5 times anew, 10\u00a0% of all to validate",
        "resnet18, started from weights.safetensors, on tiles of 512 px at 0.5 µm per pixel",
        "up to 20 epochs on cross entropy, batches of 32, optimiser adamw, learning rate 0.001",
        "The weights of the highest validation AUC were kept; training stopped after 4 checks",
        "With settings of their own: MGMT.",
        "Tiles were called by their highest score. A slide's score is the mean probability",
        "Slides were called positive above the threshold where Youden's index is best",
        "first diagnostic slide (DX1)",
        "The 3 rounds of highest AUROC on their own validation slides make the ensemble: the class",
    ):
        assert words in text
    assert "/secret" not in text and "attention" not in text and "HTI" not in text


def test_other_settings_give_other_sentences(run):
    scoring = {**SCORING, "score": "share", "vote": "mean", "tile_threshold": "half",
               "slide_threshold": "f1", "patient": "mean", "best": 1}  # fmt: skip
    rounds = {**TRAITS["rounds"], "stratify": ["sex", "site"]}
    text = text_of(run({**TRAITS, "scoring": scoring, "rounds": rounds}))
    for words in (
        "10\u00a0% of the patients were set aside",
        "spread evenly over sex and site",
        "Tiles were called positive above 0.5. A slide's score is the share of tiles",
        "where F1 is best",
        "A patient's score is the mean over the slides.",
        "The 1 round of highest AUROC",
        "their mean probability decides",
    ):
        assert words in text


def test_a_cross_validation_says_who_judges_whom(run):
    text = text_of(run({**TRAITS, "rounds": FOLDS}))
    assert "into 4 folds" in text and "by the network that never saw them" in text
    assert "every slide by the network that tests its patient" in text
    assert "ensemble" not in text and "set aside" not in text


def test_bags_are_told_with_attention_and_encoder(run):
    block = {
        **TRAITS,
        "named": {"Type": {**MGMT, "method": "mil"}},
        "mil": {**MIL, "bag": "patient"},
        "features": {"encoder": "uni"},
    }
    results = run(block)
    text = text_of(results)
    assert (
        "Type: gated attention (Ilse et al. 2018) over the tiles of the slides of a patient" in text
    )
    assert "features of uni, whose weights were left as they were" in text
    assert "The weights of the lowest validation loss were kept" in text and "1 check " in text
    assert "Tiles were called" not in text and "A network of tiles" not in text
    assert list(trait_citations(results)) == ["PathoMCH", "attention"]


def test_heterogeneity_stands_with_its_formula_and_who_went_to_survival(run):
    hti = pd.DataFrame({"score": ["HTI"], "hti": [0.3]})
    block = {
        **TRAITS,
        "heterogeneity": {"HTI": {"traits": ["MGMT", "EGFR"]}},
        "hti": {"among": "unseen"},
    }
    text = text_of(run(block, heterogeneity=hti))
    assert "(HTI of MGMT and EGFR): HTI = −Σ p log_C p over the C = 2^k − 1" in text
    assert "A patient's index is that of the first diagnostic slide" in text
    assert "Patients whom no network of its traits had seen entered survival." in text
    everybody = run({**block, "hti": {"among": "all", "patient": "mean"}}, heterogeneity=hti)
    assert "All patients entered survival." in text_of(everybody)
    assert "A patient's index is the mean over the slides." in text_of(everybody)


def test_what_was_measured_and_compared_is_told(run, tmp_path):
    metrics = curves_and_metrics(trait="MGMT", levels={"patient": 40})[1]
    block = {
        **TRAITS,
        "comparisons": {"size": {"first": "MGMT", "second": "EGFR", "test": "student"}},
        "chains": {"grades": {"single": "MGMT", "steps": {}, "test": "corrected"}},
    }
    lists = {"trait_galleries": [tmp_path / "g.png"], "trait_chains": [tmp_path / "c.parquet"]}
    results = run(block, lists, trait_metrics=metrics)
    text = text_of(results)
    assert "Student's t-test of two groups of equal variance" in text
    assert "its variance enlarged for training patients in common" in text
    assert "Grad-CAM of the network of the best round" in text and "percentile bootstrap" in text
    found = list(trait_citations(results))
    assert found == ["PathoMCH", "grading", "temperature", "Grad-CAM", "corrected"]
    assert all("doi:" in CITATIONS[name] for name in found if name != "temperature")


def test_networks_from_elsewhere_and_no_traits_at_all(run):
    text = text_of(run({**TRAITS, "pretrained": "/secret/models"}))
    assert text == "Networks trained elsewhere told MGMT and EGFR."
    nothing = run({})
    assert text_of(nothing) == "" and list(trait_citations(nothing)) == []


def test_methods_of_the_page_hold_traits_caveat_and_references(run):
    patients = pd.DataFrame({"patient": ["P1"], "time_days": [1.0], "event": [1]})
    blocks = methods_section(run(patients=patients)).blocks
    said = " ".join(str(block) for block in blocks)
    assert "Traits: MGMT by the column" in said
    assert "never on a tile" in said and "doi:10.1038/s41598-020-75708-z" in said


def several(shifts, classes=("a", "b")):
    """Metrics of traits that are told the better the larger their shift."""
    return pd.concat(
        [
            curves_and_metrics(
                trait=name, classes=classes, levels={"patient": 60}, shift=shift, seed=k
            )[1]
            for k, (name, shift) in enumerate(shifts.items())
        ]
    )


def test_traits_that_are_told_stand_apart_from_those_that_are_not(run):
    metrics = several({"A": 2.0, "B": 1.8, "C": 1.7, "D": 1.6, "none": 0.0, "nil": 0.05})
    results = run(trait_metrics=metrics)
    found = list(trait_findings(results))
    assert [one.verdict for one in found] == ["holds"] * 4 + ["open"]
    table = told(results).set_index("trait")
    best = table.sort_values("q").iloc[0]
    assert (
        f"{best['value']:.2f} ({best['low']:.2f} to {best['high']:.2f}; 40 patients)"
        in found[0].text
    )
    assert "q " in found[0].text and found[0].text.startswith(f"{best.name} is told on slides")
    assert found[3].text.startswith("So are ") and "none 0." in found[4].text
    assert not table.loc[["none", "nil"], "holds"].any()


def test_an_interval_that_holds_a_half_does_not_hold(run):
    metrics = several({"A": 2.0})
    metrics.loc[metrics["metric"] == "auroc", "low"] = 0.45
    (found,) = trait_findings(run(trait_metrics=metrics))
    assert found.verdict == "open" and "No better than chance" in found.text


def test_of_many_traits_that_cannot_be_told_hardly_one_is(run):
    metrics = several({f"T{k}": 0.0 for k in range(20)})
    metrics = metrics[(metrics["metric"] == "auroc") & (metrics["round"] == "ensemble")]
    spread = np.sqrt(61 / (12 * 30 * 30))
    wrong = 0
    for seed in range(40):
        value = 0.5 + spread * np.random.default_rng(seed).normal(size=20)
        p = 2 * scipy.stats.norm.sf(np.abs(value - 0.5) / spread)
        chance = {"value": value, "low": value - 1.96 * spread, "p": p}
        wrong += int(told(run(trait_metrics=metrics.assign(**chance)))["holds"].any())
    assert wrong <= 4


def test_few_patients_and_several_classes(run):
    metrics = several({"Grade": 1.5}, classes=("II", "III", "IV"))
    metrics["n_patients"] = 7
    found = [
        one for tell in (trait_findings, trait_cautions) for one in tell(run(trait_metrics=metrics))
    ]
    assert [one.verdict for one in found] == ["holds", "caution"]
    macro = metrics[(metrics["class"] == "macro") & (metrics["round"] == "ensemble")]
    assert f"{macro['value'].iloc[0]:.2f} (" in found[0].text
    assert "7 test patients at the least" in found[1].text


def test_nothing_is_said_where_nothing_was_measured(run):
    assert list(trait_findings(run())) == [] == list(trait_cautions(run()))
    only_tiles = curves_and_metrics(levels={"tile": 50})[1]
    assert list(trait_findings(run(trait_metrics=only_tiles))) == []
    assert list(trait_findings(run(trait_metrics=only_tiles.head(0)))) == []
