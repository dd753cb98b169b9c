"""The figures of traits."""

import numpy as np
import pandas as pd
import pytest

from drawings import beside, whole, words
from histoniche.report.figures.heterogeneity import draw_heterogeneity
from histoniche.report.figures.training import draw_learning_curves
from histoniche.report.figures.trait_comparisons import draw_chain, draw_trait_comparisons
from histoniche.report.figures.trait_roc import draw_trait_confusion, draw_trait_roc
from histoniche.report.figures.trait_rounds import draw_trait_rounds, headline_aurocs
from histoniche.report.figures.trait_scores import draw_score_percentile
from histoniche.report.traits import in_order, main_round, tidy
from trait_tables import SETS, chain_tables, curves_and_metrics, slide_scores, two_trainings

EIGHT = tuple(f"A class with a long name, number {k}" for k in range(8))


def draw_both(saved, folder, trait, classes, **options):
    roc, metrics, confusion = curves_and_metrics(trait=trait, classes=classes, **options)
    curve, matrix = folder / "roc.svg", folder / "confusion.svg"
    tables = saved(roc), saved(metrics)
    draw_trait_roc(*tables, trait=trait, classes=classes, roc_figure=curve)
    draw_trait_confusion(saved(confusion), trait=trait, classes=classes, confusion_figure=matrix)
    assert whole(curve, matrix)
    return words(curve), words(matrix), metrics, confusion


def test_roc_of_a_binary_trait_states_area_interval_and_n(saved, tmp_path):
    text, _, metrics, _ = draw_both(saved, tmp_path, "MGMT", ("un", "meth"))
    row = metrics[
        (metrics["level"] == "slide") & (metrics["round"] == "ensemble")
        & (metrics["metric"] == "auroc")
    ].iloc[0]  # fmt: skip
    assert f"AUROC {row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})" in text
    assert "40 patients, 60 slides" in text and "meth, ensemble" in text
    assert "single rounds" in text
    drawn = beside(tmp_path / "roc.svg")
    assert set(drawn["level"]) == {"tile", "slide", "patient"}
    # Both ends of every curve are there, and the points between still give the area.
    own = drawn[(drawn["level"] == "tile") & (drawn["round"] == "ensemble")]
    assert own[["fpr", "tpr"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert len(own) < 900
    tile = metrics[(metrics["level"] == "tile") & (metrics["round"] == "ensemble")]
    area = tile.loc[tile["metric"] == "auroc", "value"].iloc[0]
    assert np.trapezoid(own["tpr"], own["fpr"]) == pytest.approx(area, abs=0.005)


@pytest.mark.parametrize("classes", [("II", "III", "GBM"), EIGHT])
def test_roc_of_more_classes_shows_each_against_the_rest_and_their_mean(saved, tmp_path, classes):
    levels = {"slide": 60}
    text, matrix, _, confusion = draw_both(saved, tmp_path, "Grade", classes, levels=levels)
    assert "mean of the classes" in text and "Each class against the rest" in text
    assert ("GBM 0." in text) == (len(classes) == 3)
    assert set(beside(tmp_path / "roc.svg")["class"]) == {*classes, "macro"}
    own = confusion[(confusion["level"] == "slide") & (confusion["round"] == "ensemble")]
    size = own.groupby("truth")["count"].sum()[classes[0]]
    assert f"n = {size}" in matrix and "test patients, ensemble" in matrix


def test_without_an_ensemble_rounds_are_alike_and_give_their_range(saved, tmp_path):
    text, matrix, *_ = draw_both(saved, tmp_path, "T", ("a", "b"), rounds=(0, 1, 2))
    assert "in 3 rounds" in text and "ensemble" not in text
    assert "all rounds together" in matrix
    text, matrix, *_ = draw_both(saved, tmp_path, "T", ("a", "b"), rounds=(0,))
    assert "one network" in text and "one network" in matrix


def test_sets_out_of_distribution_have_rows_of_their_own(saved, tmp_path):
    text, *_ = draw_both(saved, tmp_path, "G", ("low", "high"), sets=SETS, levels={"slide": 40})
    assert "Slides, OOD-near" in text and "Slides, OOD-all" in text and "Slides, Test" in text


def test_nobody_held_out_is_said(saved, tmp_path):
    roc, metrics, confusion = (table.head(0) for table in curves_and_metrics())
    out = tmp_path / "r.svg"
    draw_trait_roc(saved(roc), saved(metrics), trait="MGMT", classes="ab", roc_figure=out)
    assert "No held-out patient has a class of MGMT" in words(out)
    draw_trait_confusion(saved(confusion), trait="MGMT", classes="ab", confusion_figure=out)
    assert "No held-out patient" in words(out)
    draw_trait_rounds(saved(metrics), traits=["MGMT"], rounds_figure=out)
    assert "No trait could be evaluated" in words(out)


def test_rounds_of_all_traits_stand_below_each_other(saved, tmp_path):
    tables = [
        curves_and_metrics(trait="MGMT")[1],
        curves_and_metrics(trait="EGFR expression", classes=("low", "high"), sets=SETS)[1],
        curves_and_metrics(trait="Type", classes=EIGHT[:4], rounds=(0,))[1],
    ]
    out = tmp_path / "r.svg"
    names = ["MGMT", "EGFR expression", "Type", "none such"]
    draw_trait_rounds(saved(pd.concat(tables)), traits=names, rounds_figure=out)
    text = words(out)
    assert "MGMT Test" in text and "OOD-near" in text and "40, 60" in text
    assert "above against below the median" in text
    drawn = beside(out)
    # Of the type the mean over classes alone.
    assert set(drawn.loc[drawn["trait"] == "Type", "class"]) == {"macro"}
    assert len(drawn) == 3 * (6 + 3 * 6 + 1)


def test_a_cross_validation_names_who_judges_which_set(saved, tmp_path):
    folds = curves_and_metrics(trait="G", rounds=(0, 1, "out_of_fold"))[1]
    outside = curves_and_metrics(trait="G", sets=("near",), rounds=(0, 1, "ensemble"))[1]
    out = tmp_path / "r.svg"
    draw_trait_rounds(saved(pd.concat([folds, outside])), traits=["G"], rounds_figure=out)
    assert "out of fold and ensemble, with its interval" in words(out)
    draw_trait_rounds(saved(folds), traits=["G"], rounds_figure=out)
    text = words(out)
    assert "out of fold, with its interval" in text and "single rounds" in text


def test_words_of_other_tables_are_understood():
    table = pd.DataFrame(
        {"model": ["0", "ensemble"], "set": ["ood_near", "ood_all"], "patients": 3, "slides": 4,
         "metric": "auroc", "trait": "T"},
    )  # fmt: skip
    found = tidy(table)
    assert found["round"].tolist() == ["0", "ensemble"]
    assert found["set"].tolist() == ["near", "ood"]
    assert found["n_patients"].tolist() == [3, 3] and (found["class"] == "").all()
    assert len(headline_aurocs(table)) == 2
    assert tidy(pd.DataFrame({"round": [1.0], "class": [None]}))["round"].tolist() == ["1"]


def test_the_ensemble_stands_for_a_trait_and_else_what_is_alone():
    assert main_round(["0", "ensemble", "out_of_fold"]) == "ensemble"
    assert main_round(["0", "1", "out_of_fold"]) == "out_of_fold"
    assert main_round(["3"]) == "3"
    assert main_round(["0", "1"]) is None and main_round([]) is None
    assert in_order({"b", "slide", "tile"}, ["tile", "slide"]) == ["tile", "slide", "b"]


def scored(saved, out, table, labels, *, aside, agreement):
    rounds = pd.DataFrame(
        [(patient, np.nan, "test") for patient in aside] + [("P0", 0.0, "test")],
        columns=["patient", "round", "role"],
    )
    draw_score_percentile(
        saved(table), saved(labels), saved(rounds), saved(agreement), trait="MGMT",
        positive="meth", score="share", cuts=(0.2, 0.8), scores_figure=out,
    )  # fmt: skip
    return words(out)


AGREEMENT = pd.DataFrame(
    [("MGMT", "unseen", "ensemble", "slide", 0.61, 0.4, 0.75, 80)],
    columns=["trait", "set", "model", "level", "rho", "low", "high", "patients"],
)


@pytest.mark.parametrize("n", [6, 80, 2000])
def test_scores_are_those_of_slides_that_no_network_learned_from(saved, tmp_path, n):
    table = slide_scores(n=n)
    labels = table[["slide", "patient", "trait", "percentile"]].copy()
    outside = labels["percentile"].between(0.2, 0.8)
    labels["set"] = np.where(outside, "far", "in")
    table = table.drop(columns="percentile").rename(columns={"positive_share": "share"})
    rounds = pd.concat([table.assign(model="0", share=0.0), table.assign(model="ensemble")])
    aside = labels.loc[~outside, "patient"].head(2).tolist()
    out = tmp_path / "s.svg"
    text = scored(saved, out, rounds, labels, aside=aside, agreement=AGREEMENT)
    drawn = beside(out)
    wanted = set(labels.loc[outside | labels["patient"].isin(aside), "slide"])
    assert set(drawn["slide"]) == wanted and len(drawn) == len(wanted)
    assert (drawn["share"] > 0).any()
    assert "Spearman ρ 0.61 (0.40 to 0.75)" in text and f"{len(wanted):,} slides" in text
    assert out.stat().st_size < 800_000


def test_without_a_percentile_the_scores_say_so(saved, tmp_path):
    table = slide_scores(n=5)
    labels = table[["slide", "patient", "trait", "percentile"]].assign(set="in", percentile=np.nan)
    text = scored(
        saved, tmp_path / "s.svg", table, labels, aside=["P1"], agreement=AGREEMENT.head(0)
    )
    assert "No slide outside the training" in text


def test_heterogeneity_is_drawn_with_its_groups(saved, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"patient": [f"P{k}" for k in range(60)], "hti": rng.random(60)})
    table["score"] = "HTI"
    table.loc[:4, "hti"] = np.nan
    table["subtype"] = rng.choice(["Classical", "A subtype with a very long name of its own"], 60)
    out = tmp_path / "h.svg"
    both = pd.concat([table, table.assign(score="other")])
    draw_heterogeneity(
        saved(both), score="HTI", traits=["A", "B"], cuts=(0.3, 0.7), by="subtype",
        heterogeneity_figure=out,
    )  # fmt: skip
    text = words(out)
    low = (table["hti"] <= 0.3).sum()
    assert f"low (≤ 0.3), n = {low}" in text and "HTI of A and B, n = 55 patients" in text
    assert "5 patients without a positive tile left out" in text and "Classical, n = " in text
    drawn = beside(out)
    assert len(drawn) == 55
    groups = pd.cut(drawn["hti"], [-1, 0.3, 0.7, 1], labels=["low", "between", "high"])
    assert (drawn["group"] == groups.astype(str)).all()


@pytest.mark.parametrize("values", [[], [np.nan], [0.0], [1.0, 0.2]])
def test_heterogeneity_of_few_patients_and_one_trait(saved, tmp_path, values):
    table = pd.DataFrame({"patient": range(len(values)), "hti": np.array(values, float)})
    table["score"] = "HTI"
    out = tmp_path / "h.svg"
    draw_heterogeneity(
        saved(table), score="HTI", traits=["A"], cuts=(0.5, 0.5), heterogeneity_figure=out
    )
    text = words(out)
    if np.isfinite(values).any():
        assert "always 0" in text and "between" not in text.split("cuts")[0]
    else:
        assert "No patient has a tile that is positive" in text


def test_learning_curves_mark_the_best_epoch_of_what_was_watched(saved, tmp_path):
    history = pd.DataFrame(
        {"epoch": [0.5, 1, 1.5], "train_loss": [1, 0.5, 0.1], "validation_loss": [1, 0.6, 0.9],
         "validation_auc": [0.5, np.nan, 0.8]}
    )  # fmt: skip
    out = tmp_path / "t.svg"
    runs = [("MGMT", number, saved(history)) for number in range(3)]
    options = {"measure": "validation_auc", "label": "AUC, validation slides",
               "title": lambda name: f"Networks of {name}", "division": "rounds"}  # fmt: skip
    draw_learning_curves(runs, out, monitor="validation_auc", **options)
    text = words(out)
    assert "Networks of MGMT" in text and "Numbers: rounds" in text
    assert "highest validation AUC" in text and len(beside(out)) == 9
    unknown = saved(history.assign(validation_auc=np.nan))
    draw_learning_curves([("T", 0, unknown)], out, monitor="validation_auc", **options)
    assert whole(out)
    draw_learning_curves([], out, monitor="validation_auc", **options)
    assert "No network was trained" in words(out)


def test_two_trainings_are_drawn_round_by_round(saved, tmp_path):
    first = curves_and_metrics(trait="small", sets=SETS)[1]
    second = curves_and_metrics(trait="A <large> one", shift=2.0, seed=3)[1]
    tests = two_trainings(first, second, name="size")
    out = tmp_path / "c.svg"
    metrics = saved(pd.concat([first, second]))
    draw_trait_comparisons(saved(tests), metrics, comparisons_figure=out)
    text = words(out)
    assert "size: 5 rounds, 40 test patients" in text and "A &lt;large&gt; one" in text
    own = tests[(tests["level"] == "slide") & (tests["metric"] == "auroc")].iloc[0]
    assert f"{own['difference']:.3f}" in text
    drawn = beside(out)
    # A dot a round, level, metric and side: neither ensembles nor other sets nor sensitivity.
    assert len(drawn) == 5 * 3 * 2 * 2 and set(drawn["metric"]) == {"auroc", "accuracy"}
    dots = drawn[(drawn["level"] == "slide") & (drawn["metric"] == "auroc")]
    means = dots.groupby("side")["value"].mean()
    assert means["second"] - means["first"] == pytest.approx(own["difference"], abs=1e-5)
    draw_trait_comparisons(saved(tests.head(0)), metrics, comparisons_figure=out)
    assert "No two trainings were compared" in words(out)


def test_a_chain_is_drawn_beside_one_model_step_by_step(saved, tmp_path):
    metrics, tests = chain_tables()
    metrics.loc[metrics["round"] == 1, "patients"] = 14
    out = tmp_path / "c.svg"
    draw_chain(saved(metrics), saved(tests), chain="grades", chain_figure=out)
    text = words(out)
    assert "grades: 3 rounds, 12 to 14 test patients" in text
    assert "Tiles, gbm called right" in text and "one model" in text
    drawn = beside(out)
    own = drawn[(drawn["step"] == "all") & (drawn["level"] == "tile") & (drawn["class"] == "all")]
    known = metrics[(metrics["step"] == "all") & (metrics["level"] == "tile")]
    known = known[(known["class"] == "all") & (known["model"] == "single")]
    mine = own.loc[own["side"] == "first", "value"]
    assert mine.to_numpy() == pytest.approx(known["value"].to_numpy(), abs=1e-5)
    draw_chain(saved(metrics.head(0)), saved(tests.head(0)), chain="x", chain_figure=out)
    assert "could not be compared" in words(out)
