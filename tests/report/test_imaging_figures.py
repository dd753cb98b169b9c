"""The figures of an imaging signature."""

import numpy as np
import pandas as pd
import pytest

from drawings import beside, words
from histoniche.report.figures.activation_groups import (
    draw_activation_groups,
    draw_activation_zones,
)
from histoniche.report.figures.class_activation import choose_examples, draw_activation
from histoniche.report.figures.concordance import draw_concordance
from histoniche.report.figures.risks import draw_risks, patient_risks
from histoniche.report.figures.scans import (
    draw_scan_examples,
    draw_scan_quality,
    example_patients,
)
from imaging_tables import MAPS, activation, make_sample, performance, quality, risks


@pytest.fixture
def out(tmp_path):
    return tmp_path / "figure.svg"


def concordance(saved, out, **tables):
    paths = {name: saved(table) for name, table in tables.items()}
    draw_concordance(paths, confidences=dict.fromkeys(paths, 0.9), concordance_figure=out)
    return words(out)


def test_every_cohort_has_its_concordance_with_interval_n_deaths_and_p(saved, out):
    text = concordance(saved, out, dls=performance())
    assert "Concordance of risk of dls" in text and "90 % bootstrap intervals" in text
    assert "internal (not seen)" in text and "external (not seen)" in text
    assert "0.76 (0.67 to 0.84)" in text and "30 / 15" in text and "0.0040" in text
    assert "Benjamini-Hochberg over the cohorts" in text
    table = performance()
    table.loc[3, "p"] = 0.0321
    assert "0.0080" in concordance(saved, out, dls=table)
    drawn = beside(out).set_index("cohort")["q"]
    assert drawn["internal"] == 0.008 and drawn[["training", "tuning"]].isna().all()
    assert set(beside(out)["cohort"]) == {"training", "tuning", "internal", "external"}


def test_cohorts_that_networks_learned_from_are_said_so_and_have_no_p(saved, out):
    table = performance()
    table.loc[table["cohort"] == "training", "p"] = 0.0321
    text = concordance(saved, out, dls=table)
    assert "training (seen)" in text and "tuning (seen)" in text
    assert "0.032" not in text and "which flatters" in text
    unseen = table[table["seen"] == 0].reset_index(drop=True)
    assert "flatters" not in concordance(saved, out, dls=unseen)


def test_folds_stand_below_what_they_give_together(saved, out):
    text = concordance(saved, out, dls=performance(folds=4))
    assert text.index("all folds (not seen)") < text.index("fold 0") < text.index("internal")
    assert "within the fold alone" in text
    assert "fold" not in concordance(saved, out, dls=performance())


def test_several_scores_stand_below_each_other(saved, out):
    text = concordance(saved, out, dls=performance(), slide_signature=performance(shift=0.1))
    assert text.index(" dls ") < text.index("training (seen)") < text.index("slide signature")
    assert text.count("training (seen)") == 2 and "0.61 (0.52 to 0.69)" in text


def test_a_cohort_without_deaths_has_a_row_without_a_point(saved, out):
    table = performance()
    table.loc[3, ["events", "concordance", "low", "high", "p"]] = [0, *[np.nan] * 4]
    text = concordance(saved, out, dls=table)
    assert "25 / 0" in text and "too few deaths" in text
    table[["concordance", "low", "high", "p"]] = np.nan
    assert "No cohort has the deaths" in concordance(saved, out, dls=table)


def test_a_concordance_far_below_chance_is_within_the_axes(saved, out):
    table = performance(shift=0.6)
    assert "0.0" in concordance(saved, out, dls=table).split("Harrell")[0]
    assert table["low"].min() > 0


def test_patients_stand_in_the_order_of_their_risk(saved, out):
    scores, patients = risks()
    draw_risks(saved(scores), saved(patients), score="dls", risks_figure=out)
    text, drawn = words(out), beside(out)
    for _, own in drawn.groupby("cohort"):
        assert own["dls"].is_monotonic_increasing and list(own["place"]) == [*range(len(own))]
    assert len(drawn) == len(scores)
    deaths = int((drawn[drawn["cohort"] == "internal"]["state"] == "died").sum())
    assert f"internal, n = 30, {deaths} deaths" in text
    assert "no follow-up, n = 3" in text and "learned from" in text and "not seen" in text


def test_what_became_of_patients_is_told_apart(saved):
    scores, _ = risks(cohorts={"a": 4}, folds=1)
    patients = pd.DataFrame(
        {
            "patient": scores["patient"],
            "time_days": [100.0, 200.0, np.nan, 300.0],
            "event": pd.array([1, 0, None, None], "Int64"),
        }
    )
    scores["cohort"] = None
    table = patient_risks(scores, patients, "dls").set_index("patient")
    assert list(table.loc[scores["patient"], "state"]) == ["died", "alive", *["unknown"] * 2]
    assert set(table["cohort"]) == {"no cohort"}


def test_cohorts_that_find_no_room_are_counted(saved, out):
    scores, patients = risks(cohorts={f"c{k}": 3 for k in range(11)}, folds=1)
    draw_risks(saved(scores), saved(patients), score="dls", risks_figure=out)
    assert "3 more cohorts in the table" in words(out) and beside(out)["cohort"].nunique() == 11


def test_nobody_with_a_risk_is_said(saved, out):
    scores, patients = risks()
    draw_risks(saved(scores.head(0)), saved(patients), score="dls", risks_figure=out)
    assert "No patient has a risk." in words(out)


def test_usable_and_unusable_scans_are_counted_by_cohort(saved, out):
    table = quality()
    draw_scan_quality(saved(table), maps=MAPS, quality_figure=out)
    text = words(out)
    assert "135 scans, 133 used" in text and "58 + 2" in text
    assert "FA" in text and "MD, 10⁻³ mm²/s" in text
    none = table[table["cohort"] == "tuning"].assign(status="bad", FA_median=np.nan)
    draw_scan_quality(saved(none), maps=["FA"], quality_figure=out)
    assert "20 scans, 0 used" in words(out)
    draw_scan_quality(saved(table.head(0)), maps=MAPS, quality_figure=out)
    assert "There is no scan." in words(out)


def test_other_maps_have_no_unit_and_no_cohort_is_a_group(saved, out):
    table = quality(cohorts={"a": 5}).rename(columns={"FA_median": "T1c_median"})
    table["cohort"] = None
    draw_scan_quality(saved(table), maps=["T1c"], quality_figure=out)
    text = words(out)
    assert "no cohort" in text and "T1c" in text and "mm²/s" not in text


def samples(folder, patients, **options):
    places = {p: folder / f"s{k}" / "sample.safetensors" for k, p in enumerate(patients)}
    shown = {p: make_sample(path, seed=k, **options) for k, (p, path) in
             enumerate(places.items())}  # fmt: skip
    return places, shown


def test_examples_show_every_map_of_usable_scans(tmp_path, out):
    places, _ = samples(tmp_path, ["P-1", "P-2"])
    bad, _ = samples(tmp_path / "bad", ["P-3"], slices=0)
    draw_scan_examples({**places, **bad}, maps=MAPS, examples_figure=out)
    text, drawn = words(out), beside(out)
    assert "P-1" in text and "P-3" not in text and len(drawn) == 2 * len(MAPS)
    assert set(drawn["axial_slice"]) == {26} and (drawn["brightest"] > drawn["darkest"]).all()
    draw_scan_examples(bad, maps=MAPS, examples_figure=out)
    assert "No scan could be used." in words(out)


def test_examples_are_usable_scans_of_all_cohorts():
    table = quality()
    shown = example_patients(table, number=5)
    assert len(set(shown)) == 5 and {name[:2] for name in shown} == {"TR", "TU", "IN", "EX"}
    assert not {"TR-000", "TR-001"} & set(shown)
    assert example_patients(table.head(4)) == ["TR-002", "TR-003"]
    assert example_patients(table.head(2)) == []


def test_examples_of_activation_are_the_extremes_that_no_network_saw():
    table = pd.DataFrame(
        {
            "patient": list("abcdef"),
            "role": ["train", "test", "test", "apply", "test", "train"],
            "dls": [0.99, 0.8, 0.3, 0.6, 0.1, 0.01],
        }
    )
    chosen = choose_examples(table, score="dls", number=2)
    assert list(chosen["patient"]) == ["b", "d", "e", "c"]
    assert list(chosen["group"]) == ["high", "high", "low", "low"]
    # Too few for both groups: nobody is in two.
    assert list(choose_examples(table, score="dls", number=9)["patient"]) == ["b", "d", "e", "c"]
    trained = table.assign(role="train")
    assert list(choose_examples(trained, score="dls", number=1)["patient"]) == ["a", "f"]


def test_activation_is_drawn_with_risk_time_and_event(saved, tmp_path, out):
    scores, patients = risks(cohorts={"internal": 8})
    places, shown = samples(tmp_path, scores["patient"])
    draw_activation(
        saved(scores), saved(patients), places, shown,
        score="dls", maps=MAPS, number=2, activation_figure=out,
    )  # fmt: skip
    text, drawn = words(out), beside(out)
    assert "High risk" in text and "Low risk" in text and "Activation for risk" in text
    assert list(drawn["group"]) == ["high", "high", "low", "low"]
    assert drawn["dls"].iloc[0] == pytest.approx(scores["dls"].max(), rel=1e-5)
    for row in drawn.dropna(subset=["event"]).to_dict("records"):
        state = "died" if row["event"] else "alive"
        months = row["time_days"] / 365.25 * 12
        after = f"{months:.0f} months" if months >= 10 else f"{months:.1f} months"
        assert f"{row['patient']}: risk {row['dls']:.2f}, {state} after {after}" in text


def test_patients_whose_activation_is_missing_are_not_drawn(saved, tmp_path, out):
    scores, patients = risks(cohorts={"internal": 4})
    places, _ = samples(tmp_path, scores["patient"])
    draw_activation(
        saved(scores), saved(patients), places, {},
        score="dls", maps=MAPS, number=2, activation_figure=out,
    )  # fmt: skip
    assert "No patient's activation is known." in words(out)


def boxes(saved, out, *tables, maps=MAPS):
    tables = map(saved, tables)
    draw_activation_groups(*tables, score="dls", maps=maps, share=0.2, groups_figure=out)
    return words(out)


def test_boxes_of_activation_have_n_p_and_q(saved, out):
    scores, _ = risks()
    values, _, tests = activation(scores)
    text = boxes(saved, out, values, scores, tests)
    high = int((scores["dls"] > 0.5).sum())
    assert f"n {high}" in text and f"n {len(scores) - high}" in text
    assert "Δ 0.040 (0.010 to 0.070)" in text and "p 0.0010, q 0.0020" in text
    assert "20 % of the slices" in text
    assert "above 0.50, the cut-point of the training cohort" in text
    drawn = beside(out)
    assert list(drawn["map"].unique()) == MAPS
    assert ((drawn["risk"] > 0.5) == (drawn["group"] == "high")).all()


def test_a_group_without_patients_leaves_an_empty_place_and_no_test(saved, out):
    scores, _ = risks()
    values, _, tests = activation(scores)
    tests = tests.assign(cut=1.5, rule="median")
    tests[["difference", "difference_low", "difference_high", "p", "q"]] = np.nan
    text = boxes(saved, out, values, scores, tests, maps=["FA"])
    assert "high risk n 0" in text and "Δ 0" not in text and "the median risk" in text
    text = boxes(saved, out, values.head(0), scores, tests)
    assert "No patient's activation has a risk group." in text
    assert "has a risk group." in boxes(saved, out, values, scores, tests.head(0))


def test_zones_are_set_against_chance(saved, out):
    scores, _ = risks()
    _, zones, tests = activation(scores)
    # A slice that the tumour fills has no margin.
    zones.loc[1, ["share", "highlighted"]] = 0.0
    draw_activation_zones(saved(zones), saved(scores), saved(tests), score="dls", zones_figure=out)
    text, drawn = words(out), beside(out)
    assert "Core of the tumour 30 % of the slices" in text and "low risk, n = " in text
    assert len(drawn) == len(zones) - 1
    margin = drawn[drawn["zone"] == "margin"]
    assert margin["times"].to_numpy() == pytest.approx(margin["highlighted"] / 0.2, rel=1e-4)
    draw_activation_zones(
        saved(zones.head(0)), saved(scores), saved(tests), score="dls", zones_figure=out
    )
    assert "has a risk group." in words(out)
