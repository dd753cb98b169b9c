import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.report.figures.heterogeneity import draw_heterogeneity
from histoniche.tables import read_table, write_table
from histoniche.traits.cartography import lay_cartography
from histoniche.traits.heterogeneity_tables import collect_heterogeneity
from histoniche.traits.rounds import draw_folds
from trait_stores import write_calls, write_tiles

CELLS = [(0, 0), (1, 0), (2, 0), (0, 1)]
# Positive tiles of the traits A and B.
SLIDES = {
    "P1-DX2": ([1, 1, 0, 0], [0, 1, 1, 0]),  # one of each combination: 1
    "P1-DX1": ([1, 1, 1, 1], [0, 0, 0, 0]),  # A alone: 0
    "P2-DX1": ([0, 0, 0, 0], [0, 0, 0, 0]),  # nothing: NaN
    "P2-DX2": ([1, 1, 0, 0], [0, 0, 1, 1]),  # two combinations: log_3 2
    "P3-DX1": ([1, 1, 0, 0], [0, 1, 1, 0]),
    "P4-DX1": ([0, 0, 0, 0], [0, 0, 0, 0]),
}
OWNERS = {slide: slide[:2] for slide in SLIDES}
TWO = np.log(2) / np.log(3)


@pytest.fixture
def collect(tmp_path):
    folders = {}
    for slide, shown in SLIDES.items():
        tiles = write_tiles(tmp_path, slide, CELLS)
        votes = {
            trait: write_calls(tmp_path, tiles, trait, 0.1 + 0.8 * np.array(own))
            for trait, own in zip("AB", shown, strict=True)
        }
        folders[slide] = tmp_path / "cartography" / f"{slide}.zarr"
        lay_cartography(tiles, votes, folders[slide], tilings={"A": "cell", "B": "cell"})

    def run(**settings):
        names = ("slides", "combinations", "patients", "scores")
        outs = {name: tmp_path / f"{name}.parquet" for name in names}
        settings = {"indices": {"HTI": ["A", "B"], "HTI_A": ["A"]}, **settings}
        collect_heterogeneity(folders, **outs, owners=OWNERS, **settings)
        return {name: read_table(path) for name, path in outs.items()}

    return run


def test_slides_and_their_combinations_by_hand(collect):
    tables = collect()
    slides = tables["slides"].query("score == 'HTI'").set_index("slide")
    expected = [1, 0, np.nan, TWO, 1, np.nan]
    assert slides["hti"].tolist() == pytest.approx(expected, nan_ok=True)
    assert slides["positive_tiles"].tolist() == [3, 4, 0, 4, 3, 0]
    assert set(slides["tiles"]) == {4}
    assert slides.loc["P2-DX1", "reason"] == "no tile is positive for any of the traits"
    own = tables["combinations"].query("slide == 'P1-DX2' and score == 'HTI'")
    assert own["combination"].tolist() == ["none", "A", "B", "A+B"]
    assert own["tiles"].tolist() == [1, 1, 1, 1]
    assert own["share"].tolist() == pytest.approx([np.nan, *[1 / 3] * 3], nan_ok=True)


def test_patients_by_their_first_slide_that_has_an_hti_and_by_the_mean(collect):
    people = collect()["patients"].query("score == 'HTI'").set_index("patient")
    assert people["hti"].to_dict() == pytest.approx({"P1": 0, "P2": TWO, "P3": 1})
    assert people["slide"].to_dict() == {"P1": "P1-DX1", "P2": "P2-DX2", "P3": "P3-DX1"}
    assert people["half"].to_dict() == {"P1": "low", "P2": "high", "P3": "high"}
    assert people["extremes"].to_dict() == {"P1": "low", "P2": None, "P3": "high"}
    mean = collect(rule="mean")["patients"].query("score == 'HTI'").set_index("patient")
    assert mean["hti"].to_dict() == pytest.approx({"P1": 0.5, "P2": TWO, "P3": 1})
    assert mean["slides"].to_dict() == {"P1": 2, "P2": 1, "P3": 1}


def test_only_unseen_patients_go_to_survival(collect, tmp_path):
    rounds = pd.DataFrame(
        {
            "patient": ["P1", "P2", "P3", "P4"],
            "round": pd.array([None, 0, 0, 0], dtype="Int64"),
            "role": ["test", "train", "train", "validation"],
        }
    )
    write_table(rounds, tmp_path / "rounds.parquet")
    labels = {}
    for trait, sets in {"A": ["in", "far", "near", "in"], "B": ["in", "near", "in", "in"]}.items():
        table = pd.DataFrame({"patient": ["P1", "P2", "P3", "P4"], "trait": trait, "set": sets})
        labels[trait] = tmp_path / f"{trait}.parquet"
        write_table(table, labels[trait])
    settings = {"labels": labels, "rounds": tmp_path / "rounds.parquet"}
    scores = collect(**settings)["scores"]
    both = scores[scores["score"] == "HTI"].set_index("patient")
    assert both["value"].to_dict() == pytest.approx({"P1": 0, "P2": TWO})
    assert set(both["kind"]) == {"hti"}
    # P3 is out of distribution for A alone.
    assert scores.loc[scores["score"] == "HTI_A", "patient"].tolist() == ["P1", "P2", "P3"]
    everybody = collect(**settings, among="all")["scores"]
    assert everybody.loc[everybody["score"] == "HTI", "patient"].tolist() == ["P1", "P2", "P3"]


def test_in_a_cross_validation_everybody_is_unseen(collect, tmp_path):
    folds = draw_folds(["P1", "P2", "P3", "P4"], seed=0, folds=3)
    write_table(folds, tmp_path / "rounds.parquet")
    labels = {trait: tmp_path / f"{trait}.parquet" for trait in "AB"}
    for trait, path in labels.items():
        table = pd.DataFrame({"patient": ["P1", "P2", "P3", "P4"], "trait": trait, "set": "in"})
        write_table(table, path)
    people = collect(labels=labels, rounds=tmp_path / "rounds.parquet")["patients"]
    assert people["unseen"].all()


def test_a_trait_that_no_cartography_has_is_an_error(collect):
    with pytest.raises(
        InputError, match=r"heterogeneity.x, value 'C': no such trait; choose among A, B"
    ):
        collect(indices={"x": ["A", "C"]})


@pytest.mark.parametrize(
    ("cells", "reason"),
    [(CELLS, "no tile is positive for any of the traits"), ([], "no tile has 10% tissue")],
)
def test_a_cohort_without_any_hti_has_tables_that_say_why(tmp_path, caplog, cells, reason):
    tiles = write_tiles(tmp_path, "S1", cells)
    votes = {"A": write_calls(tmp_path, tiles, "A", [0.1] * len(cells))}
    lay_cartography(tiles, votes, tmp_path / "S1.zarr", tilings={"A": "cell"})
    names = ("slides", "combinations", "patients", "scores")
    outs = {name: tmp_path / f"{name}.parquet" for name in names}
    collect_heterogeneity(
        {"S1": tmp_path / "S1.zarr"}, **outs, owners={"S1": "P"}, indices={"HTI": ["A"]}
    )
    assert "no slide has an HTI" in caplog.text
    found = {name: read_table(path) for name, path in outs.items()}
    assert found["slides"]["reason"].tolist() == [reason]
    assert found["slides"]["hti"].isna().all()
    assert found["patients"].empty and found["scores"].empty
    assert list(found["scores"].columns) == ["patient", "score", "kind", "value"]
    drawn = tmp_path / "heterogeneity.svg"
    draw_heterogeneity(
        outs["patients"], score="HTI", traits=["A"], cuts=(0.5, 0.5), heterogeneity_figure=drawn
    )
    assert "No patient has a tile" in drawn.read_text()
