"""The planted traits of the demo are told on patients not seen before, and noise is not."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from histoniche.files import read_json
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from histoniche.traits.cartography import read_cartography
from histoniche.traits.heterogeneity import heterogeneity_index

TILE_TRAITS = ("egfr", "nullg0100", "coin")


def table(demo, name):
    return read_table(demo.results / f"{name}.parquet")


def truth(demo):
    return pd.read_csv(demo.folder / "cohort" / "truth" / "traits.tsv", sep="\t")


def areas(demo, level):
    """AUROC of each trait out of fold."""
    metrics = table(demo, "traits/metrics")
    kept = (metrics["metric"] == "auroc") & (metrics["set"] == "test")
    kept &= (metrics["model"] == "out_of_fold") & (metrics["level"] == level)
    return metrics[kept].set_index("trait")


@pytest.mark.parametrize("level", ["slide", "patient"])
def test_what_shows_is_told_and_noise_is_not(demo, level):
    found = areas(demo, level)
    for trait in ("egfr", "nullg0100"):
        assert found.loc[trait, "value"] >= 0.9, trait
        assert found.loc[trait, "low"] > 0.5, trait
    coin = found.loc["coin"]
    assert coin["low"] < 0.5 < coin["high"]
    assert (found.loc[["egfr", "coin"], "patients"] == 40).all()


def test_no_patient_is_judged_by_a_network_that_saw_them(demo):
    rounds = table(demo, "traits/rounds")
    tested = rounds[rounds["role"] == "test"].set_index("patient")["round"]
    assert sorted(tested.index) == sorted(set(rounds["patient"]))
    slides = table(demo, "traits/egfr/labels").set_index("slide")["patient"]
    for slide, patient in slides.items():
        votes = TileStore(demo.results / "traits" / "maps" / slide / "egfr.zarr")
        assert votes.attributes["networks"] == [tested[patient]]


def test_scores_follow_the_measured_percentile_of_patients_in_between(demo):
    agreement = table(demo, "traits/agreement").set_index(["trait", "set", "level"])
    own = agreement.xs(("nullg0100", "ood_all", "patient")).iloc[0]
    assert own["rho"] > 0.3
    assert own["patients"] >= 10


def test_cells_of_a_cartography_stand_where_the_tiles_stood(demo):
    for slide in truth(demo)["slide"][:6]:
        tiles = TileStore(demo.results / "tiles" / "cell" / f"{slide}.zarr")
        maps = demo.results / "traits" / "maps" / slide
        drawn = read_cartography(maps / "cartography.zarr")
        assert drawn.traits == ("egfr", "nullg0100")
        cells = tiles.column("cell")
        calls = TileStore(maps / "egfr.zarr").column("calls")
        assert np.array_equal(drawn.calls[0, cells[:, 1], cells[:, 0]], calls)
        assert (drawn.calls[0] >= 0).sum() == len(tiles)


def test_tiles_are_positive_where_the_trait_was_planted(demo):
    planted = truth(demo).set_index("slide")
    scores = table(demo, "traits/egfr/scores")
    labels = table(demo, "traits/egfr/labels").set_index("slide")
    rounds = table(demo, "traits/rounds")
    tested = rounds[rounds["role"] == "test"].set_index("patient")["round"].astype(str)
    own = scores[
        (scores["class"] == "amplified") & (scores["model"] == scores["patient"].map(tested))
    ].set_index("slide")["share"]
    assert set(labels.index) == set(own.index)
    shared = planted.index.intersection(own.index)
    assert stats.spearmanr(own[shared], planted.loc[shared, "egfr_tissue"]).statistic > 0.7


def test_heterogeneity_goes_from_maps_to_survival(demo):
    slides = table(demo, "traits/heterogeneity/slides").set_index("slide")
    for slide in slides.index[:6]:
        drawn = read_cartography(demo.results / "traits" / "maps" / slide / "cartography.zarr")
        again = heterogeneity_index(drawn.positive(["egfr", "nullg0100"]))
        assert slides.loc[slide, "hti"] == pytest.approx(again, nan_ok=True)
    scores = table(demo, "survival/scores")
    index = scores[scores["score"] == "hti"]
    patients = table(demo, "traits/heterogeneity/patients").set_index("patient")
    assert patients["unseen"].all()
    assert dict(zip(index["patient"], index["value"], strict=True)) == pytest.approx(
        patients["hti"].dropna().to_dict()
    )
    groups = table(demo, "survival/stated_groups")
    known = patients["hti"].dropna()
    for below, above in ((0.5, 0.5), (0.3, 0.7)):
        own = groups[(groups["score"] == "hti") & (groups["above"] == above)]
        assert own.set_index("group")["n"].to_dict() == {
            "high": (known > above).sum(), "low": (known <= below).sum(),
        }  # fmt: skip
        assert own["p"].between(0, 1).all()
    assert set(table(demo, "survival/stated_curves")["score"]) == {"hti"}
    page = (demo.results / "summary.html").read_text()
    assert "By stated limits" in page and "heterogeneity" in page


def test_every_slide_has_its_maps_and_squares_for_qupath(demo):
    for slide in truth(demo)["slide"]:
        maps = demo.results / "traits" / "maps" / slide
        count = len(TileStore(maps / "egfr.zarr"))
        for trait in TILE_TRAITS:
            assert len(read_json(maps / f"{trait}.geojson")["features"]) == count
        with Image.open(maps / "heat_maps.png") as picture:
            assert picture.width > 1000


def test_the_gallery_shows_held_out_tiles_of_both_classes_right_and_wrong(demo):
    chosen = table(demo, "traits/egfr/gallery")
    assert set(chosen["truth"]) == {"normal", "amplified"}
    right = chosen[chosen["verdict"] == "right"]
    assert (right["truth"] == right["called"]).all()
    wrong = chosen[chosen["verdict"] == "wrong"]
    assert len(wrong) and (wrong["truth"] != wrong["called"]).all()
    assert (right.groupby("truth")["slide"].value_counts() <= 2).all()
    assert (demo.results / "traits" / "egfr" / "gallery.png").stat().st_size > 50_000


def test_a_trait_more_trains_itself_alone(demo):
    sex = {"labels": {"column": "sex", "classes": ["F", "M"]}}
    traits = demo.config["traits"]
    planned = demo.planned(traits={**traits, "named": {**traits["named"], "sex": sex}})
    assert planned["train_trait"] == 5
    assert planned["label_slides"] == 1
    assert not set(planned) & {"divide_rounds", "write_patients", "train_head"}


def test_how_tiles_are_scored_re_runs_no_network(demo):
    scoring = {"vote": "mean", "slide_threshold": "half"}
    planned = demo.planned(traits={**demo.config["traits"], "scoring": scoring})
    assert {"score_trait", "evaluate_trait", "collect_heterogeneity"} <= set(planned)
    networks = [rule for rule in planned if rule.startswith(("train_", "classify_", "encode_"))]
    assert networks == []


def test_a_gallery_of_more_tiles_re_runs_nothing_else(demo):
    planned = demo.planned(traits={**demo.config["traits"], "gallery": {"number": 4}})
    end = {"write_summary", "seal_bundle", "all"}
    assert set(planned) == {"choose_review_tiles", "draw_review_tiles", *end}
