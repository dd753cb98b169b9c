"""A cohort of which each network's knowledge is planted, through all jobs."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table
from histoniche.traits.labels import label_slides
from histoniche.traits.predictions import read_probabilities
from histoniche.traits.round_table import round_table, summarise_traits
from histoniche.traits.rounds import write_rounds
from histoniche.traits.scoring import score_trait
from histoniche.traits.trait_evaluation import evaluate_trait
from trait_stores import write_network

CLASSES = ("low", "high")
SETTINGS = {
    "score": "share", "best": 3, "vote": "majority", "tile_threshold": "argmax",
    "slide_threshold": "half", "patient": "dx1",
}  # fmt: skip
# How much the network of each round knows: the last nothing.
KNOWS = (1.2, 1.0, 0.9, 0.0)


class Cohort(NamedTuple):
    predictions: dict
    files: dict
    patients: dict
    percentile: dict
    folder: object


def build(folder, *, knows=KNOWS, method="rounds", patients=70, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"P{k:03d}" for k in range(patients)]
    slides = [
        {"slide": f"{name}-DX{k}", "patient": name}
        for name in names
        for k in range(1, 2 + (name < "P008"))
    ]
    values = rng.permutation(patients).astype(float)
    genes = pd.DataFrame([values], columns=names)
    genes.insert(0, "gene", "MKI67")
    write_table(genes, folder / "expression.parquet")
    files = {"labels": folder / "labels.parquet", "rounds": folder / "rounds.parquet"}
    settings = {"expression": {"gene": "MKI67"}}
    label_slides(
        slides, files["labels"], trait="MKI67", settings=settings,
        expression=folder / "expression.parquet",
    )  # fmt: skip
    write_rounds(
        slides, files["rounds"], seed=3, method=method, rounds=len(knows), test=0.3, validation=0.25
    )
    percentile = dict(zip(names, (values + 0.5) / patients, strict=True))
    predictions = {}
    for number, much in enumerate(knows):
        predictions[number] = {}
        for slide in slides:
            signal = much * (percentile[slide["patient"]] - 0.5)
            own = scipy.stats.norm.cdf(signal + 0.3 * rng.normal() + 0.5 * rng.normal(size=12))
            predictions[number][slide["slide"]] = write_network(
                folder, slide["slide"], own, f"{number}"
            )
    owners = {slide["slide"]: slide["patient"] for slide in slides}
    return Cohort(predictions, files, owners, percentile, folder)


def score(cohort, **changes):
    files = {name: cohort.folder / f"{name}.parquet" for name in ("scores", "choice")}
    score_trait(
        cohort.predictions, *cohort.files.values(), **files, patients=cohort.patients,
        trait="MKI67", classes=CLASSES, settings={**SETTINGS, **changes},
    )  # fmt: skip
    return files


def run(cohort, predictions=None, draws=100, **changes):
    files = score(cohort, **changes)
    names = ("metrics", "confusion", "roc", "agreement")
    outs = {name: cohort.folder / f"{name}.parquet" for name in names}
    evaluate_trait(
        *cohort.files.values(), *files.values(), **outs, trait="MKI67", classes=CLASSES,
        settings={**SETTINGS, **changes}, seed=1, predictions=predictions, draws=draws,
    )  # fmt: skip
    return {name: read_table(path) for name, path in {**files, **outs}.items()}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")

    cohort = build(folder)
    return cohort, run(cohort, cohort.predictions)


def area(tables, name="test", model="ensemble", level="slide", column="value"):
    table = tables["metrics"]
    row = table[
        (table["set"] == name) & (table["model"] == model)
        & (table["level"] == level) & (table["metric"] == "auroc")
    ]  # fmt: skip
    assert len(row) == 1
    return row[column].iloc[0]


def test_the_rounds_that_know_something_are_chosen_by_validation_alone(planted):
    _, tables = planted
    choice = tables["choice"]
    assert set(choice.loc[choice["chosen"], "model"]) == {"0", "1", "2", "ensemble"}
    assert choice["rank"][:4].tolist() == [1, 2, 3, 4]
    assert choice["validation_auc"][:4].is_monotonic_decreasing


def test_the_planted_trait_is_found_on_test_and_less_out_of_distribution(planted):
    _, tables = planted
    assert area(tables) > 0.9
    assert area(tables, column="low") > 0.6
    assert area(tables) > area(tables, "ood_all") > 0.55
    assert area(tables, level="patient") > 0.85
    assert 0.55 < area(tables, level="tile") < area(tables)


def test_the_ensembles_slide_area_is_that_of_votes_counted_by_hand(planted):
    cohort, tables = planted
    labels, rounds = (read_table(path) for path in cohort.files.values())
    tested = set(rounds.loc[rounds["role"] == "test", "patient"])
    mine = labels[(labels["set"] == "in") & labels["patient"].isin(tested)]
    shares = []
    for slide in mine["slide"]:
        votes = sum(
            (read_probabilities(cohort.predictions[k][slide], CLASSES)[:, 1] > 0.5).astype(int)
            for k in (0, 1, 2)
        )
        shares.append((votes >= 2).mean())
    assert area(tables) == pytest.approx(roc_auc_score(mine["class"] == "high", shares))
    assert area(tables, column="n") == area(tables, column="slides") == len(mine)
    assert area(tables, column="patients") == mine["patient"].nunique()
    assert area(tables, column="positives") == (mine["class"] == "high").sum()
    assert area(tables, level="tile", column="n") == 12 * len(mine)
    assert area(tables, level="tile", column="slides") == len(mine)
    assert area(tables, level="patient", column="n") == mine["patient"].nunique()


def test_nobody_is_evaluated_whom_a_network_has_seen(planted):
    cohort, tables = planted
    labels = read_table(cohort.files["labels"])
    near = labels[labels["set"] == "near"].dropna(subset=["class"])
    far = labels[labels["set"].isin(["near", "far"])].dropna(subset=["class"])
    assert area(tables, "ood_near", column="slides") == len(near)
    assert area(tables, "ood_all", column="slides") == len(far)
    rounds = read_table(cohort.files["rounds"])
    aside = rounds.loc[rounds["round"].isna(), "patient"].nunique()
    assert aside == 21
    assert area(tables, column="patients") <= aside


def test_scores_agree_with_the_percentiles_measured(planted):
    cohort, tables = planted
    table = tables["agreement"].set_index(["set", "model", "level"])
    row = table.loc[("unseen", "ensemble", "slide")]
    assert 0.3 < row["low"] < row["rho"] < row["high"]
    assert row["n"] > row["patients"]
    assert np.isnan(row["p"])
    scores = tables["scores"].query("model == 'ensemble' and `class` == 'high'")
    first = scores[scores["slide"].str.endswith("DX1")].set_index("patient")["share"]
    people = table.loc[("ood_all", "ensemble", "patient")]
    labels = read_table(cohort.files["labels"]).drop_duplicates("patient").set_index("patient")
    out = labels.index[labels["set"].isin(["near", "far"])]
    oracle = scipy.stats.spearmanr(first[out], labels.loc[out, "percentile"])
    assert people["rho"] == pytest.approx(oracle.statistic)
    assert people["p"] == pytest.approx(oracle.pvalue)
    noise = table.loc[("unseen", "3", "patient")]
    assert noise["low"] < 0 < noise["high"]


def test_table_1_has_the_rounds_and_the_ensemble(planted):
    _, tables = planted
    row = round_table([tables["metrics"]]).iloc[0]
    single = [area(tables, model=str(number)) for number in range(4)]
    assert row["test_mean"] == pytest.approx(np.mean(single))
    assert (row["test_min"], row["test_max"]) == (min(single), max(single))
    assert row["test_ensemble"] == area(tables)
    assert row["near_ensemble"] == area(tables, "ood_near")
    assert row["all_slides"] == area(tables, "ood_all", column="slides")
    assert (row["trait"], row["class"], row["rounds"]) == ("MKI67", "high", 4)


def test_the_summary_corrects_over_traits(planted):
    cohort, tables = planted
    folder = cohort.folder
    other = tables["agreement"].assign(trait="noise", p=0.9)
    write_table(other, folder / "other.parquet")
    of_patients = tables["metrics"].query("level == 'patient'").assign(trait="noise")
    write_table(of_patients, folder / "noise.parquet")
    summarise_traits(
        {"MKI67": cohort.files["labels"], "noise": cohort.files["labels"]},
        {"MKI67": folder / "metrics.parquet", "noise": folder / "noise.parquet"},
        {"MKI67": folder / "agreement.parquet", "noise": folder / "other.parquet"},
        all_labels=folder / "all_labels.parquet",
        all_metrics=folder / "all_metrics.parquet",
        correlations=folder / "correlations.parquet",
        rounds=folder / "table.parquet",
    )
    found = read_table(folder / "correlations.parquet")
    own = found.query("`set` == 'ood_all' and model == 'ensemble' and level == 'patient'")
    assert own["q"].to_numpy() == pytest.approx([min(2 * own["p"].iloc[0], 0.9), 0.9])
    assert len(read_table(folder / "all_labels.parquet")) == 2 * len(cohort.patients)
    metrics = read_table(folder / "all_metrics.parquet")
    assert metrics["trait"].value_counts().to_dict() == {
        "MKI67": len(tables["metrics"]), "noise": len(of_patients),
    }  # fmt: skip
    # Of bags of patients no slide is judged.
    rows = read_table(folder / "table.parquet").set_index("trait")
    assert rows["level"].to_dict() == {"MKI67": "slide", "noise": "patient"}
    assert rows.loc["noise", "test_ensemble"] == area(tables, level="patient")


def test_a_trait_that_is_noise_is_not_found(tmp_path):
    cohort = build(tmp_path, knows=(0, 0), patients=60, seed=5)
    tables = run(cohort, draws=200, best=2)
    for name in ("test", "ood_all"):
        assert area(tables, name, column="low") < 0.5 < area(tables, name, column="high")


def test_a_cross_validation_tests_every_labelled_slide_once_out_of_fold(tmp_path):
    cohort = build(tmp_path, knows=(1, 1, 1, 1, 1), method="kfold", patients=36)
    tables = run(cohort, predictions=cohort.predictions, slide_threshold="youden")
    labels = read_table(cohort.files["labels"])
    assert area(tables, model="out_of_fold", column="slides") == (labels["set"] == "in").sum()
    assert area(tables, model="out_of_fold") > 0.8
    # Tiles are judged by the network that never saw their patient, and compared within it.
    assert (
        area(tables, model="out_of_fold", level="tile", column="n")
        == 12 * (labels["set"] == "in").sum()
    )
    assert area(tables, model="out_of_fold", level="tile") == pytest.approx(
        tile_area_by_hand(cohort, labels, tables)
    )
    table = tables["metrics"]
    assert not ((table["set"] == "test") & (table["model"] == "ensemble")).any()
    assert ((table["set"] == "ood_all") & (table["model"] == "ensemble")).any()
    row = round_table([table]).iloc[0]
    assert row["test_ensemble"] == area(tables, model="out_of_fold")
    cuts = tables["choice"]["slide_threshold"]
    assert cuts.between(0, 1).all()
    assert cuts.iloc[-1] == pytest.approx(cuts[:3].mean())


def tile_area_by_hand(cohort, labels, tables):
    """Mean of the folds' areas over their test patients' tiles, weighted by pairs."""
    inside = labels[labels["set"] == "in"].set_index("slide")
    rounds = read_table(cohort.files["rounds"]).query("role == 'test'")
    areas, pairs = [], []
    for number, tested in rounds.groupby("round")["patient"]:
        own = inside[inside["patient"].isin(set(tested))]
        found = [
            read_probabilities(cohort.predictions[number][name], CLASSES) for name in own.index
        ]
        truth = np.repeat(own["class"] == "high", [len(tiles) for tiles in found])
        if truth.min() < truth.max():
            areas.append(roc_auc_score(truth, np.concatenate(found)[:, 1]))
            pairs.append(truth.sum() * (~truth).sum())
    assert len(areas) >= 3
    return np.average(areas, weights=pairs)


def test_thresholds_chosen_on_validation_tiles_reach_the_scores(tmp_path):
    cohort = build(tmp_path, knows=(1.0, 1.0), patients=40)
    plain = read_table(score(cohort)["scores"])
    files = score(cohort, tile_threshold="youden", best=1)
    chosen = read_table(files["choice"])
    assert chosen["tile_threshold"].between(0, 1, inclusive="neither").all()
    moved = read_table(files["scores"])
    assert (moved["share"][: len(plain) // 3] != plain["share"][: len(plain) // 3]).any()
    best = chosen.loc[chosen["rank"] == 1, "model"].iloc[0]
    ensemble, single = (
        moved[moved["model"] == name].reset_index()["share"] for name in ("ensemble", best)
    )
    # Of one network the vote is its own call.
    assert ensemble.equals(single)
    problem = r"tile_threshold, value 'guess': no such threshold; choose among argmax, half"
    with pytest.raises(InputError, match=rf"traits\.scoring\.{problem}"):
        score(cohort, tile_threshold="guess")


def test_three_classes_and_models_without_tiles_are_evaluated_by_slide_and_patient(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"P{k:02d}" for k in range(45)]
    grades = [("II", "III", "IV")[k % 3] for k in range(45)]
    slides = [{"slide": f"{name}-DX1", "patient": name} for name in names]
    sheet = pd.DataFrame({"patient": names, "grade": grades})
    write_table(sheet, tmp_path / "patients.parquet")
    files = {"labels": tmp_path / "labels.parquet", "rounds": tmp_path / "rounds.parquet"}
    settings = {"labels": {"column": "grade", "classes": ["II", "III", "IV"]}}
    patients = tmp_path / "patients.parquet"
    label_slides(slides, files["labels"], trait="grade", settings=settings, patients=patients)
    write_rounds(slides, files["rounds"], seed=0, rounds=1, test=0.4, patients=patients)
    rows = []
    for slide, grade in zip(slides, grades, strict=True):
        p = rng.random(3) + 2 * (np.array(["II", "III", "IV"]) == grade)
        for name, one in zip(["II", "III", "IV"], p / p.sum(), strict=True):
            own = {**slide, "trait": "grade", "class": name, "tiles": 9, "share": np.nan}
            rows += [{**own, "model": model, "mean": one} for model in ("0", "ensemble")]
    write_table(pd.DataFrame(rows), tmp_path / "scores.parquet")
    choice = pd.DataFrame({"model": ["0", "ensemble"], "chosen": True, "slide_threshold": np.nan})
    write_table(choice, tmp_path / "choice.parquet")
    outs = {
        name: tmp_path / f"{name}.parquet" for name in ("metrics", "confusion", "roc", "agreement")
    }
    evaluate_trait(
        *files.values(), tmp_path / "scores.parquet", tmp_path / "choice.parquet", **outs,
        trait="grade", classes=["II", "III", "IV"], settings={**SETTINGS, "score": "mean"},
        seed=0, draws=50,
    )  # fmt: skip
    table = read_table(outs["metrics"])
    assert set(table["level"]) == {"slide", "patient"}
    assert set(table["set"]) == {"test"}
    row = table.query("metric == 'auroc' and `class` == 'macro' and level == 'slide'").iloc[0]
    assert row["value"] > 0.9
    assert row["n"] == 18
    assert read_table(outs["agreement"]).empty
    assert set(read_table(outs["roc"])["class"]) == {"II", "III", "IV", "macro"}
    assert round_table([table]).iloc[0]["class"] == "macro"
