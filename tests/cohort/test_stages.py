import pytest

from histoniche.cohort.stages import Stage
from histoniche.files import write_json

BATCHES = {"learned-1": ["A", "B"], "learned-2": ["C"], "applied-1": ["D"]}


@pytest.fixture
def stage():
    return Stage("<results>/regions", BATCHES, ["{slide}/overlay.png", "{slide}/areas.json"])


def test_slides_lead_to_their_batches_each_once(stage):
    place = "<results>/regions/.batches/{}.json"
    assert stage.manifests(["C", "A", "B"]) == [
        place.format("learned-2"),
        place.format("learned-1"),
    ]
    assert stage.manifests() == [place.format(name) for name in BATCHES]
    assert stage.manifest == place.format("{batch}")


def test_a_stage_that_does_not_run_has_no_manifests():
    assert Stage("<results>/regions", {}, []).manifests(["A"]) == []


def test_a_slide_of_no_batch_is_an_error(stage):
    with pytest.raises(KeyError):
        stage.manifests(["E"])


def test_stages_that_share_a_folder_keep_their_manifests_apart():
    votes = Stage("<results>/maps", BATCHES, [], ".votes")
    assert votes.manifests(["D"]) == ["<results>/maps/.votes/applied-1.json"]


def test_batches_are_lost_whose_results_are_gone_and_whose_manifest_is_there(stage, tmp_path):
    folder = tmp_path / "regions"
    for slide in "ABCD":
        for name in ("overlay.png", "areas.json"):
            write_json({}, folder / slide / name)
    for name in ("learned-1", "learned-2"):
        write_json({}, folder / ".batches" / f"{name}.json")
    assert stage.lost(str(tmp_path)) == []
    (folder / "B" / "areas.json").unlink()
    # Not made yet, so that it is made in any case.
    (folder / "D" / "areas.json").unlink()
    assert stage.lost(str(tmp_path)) == [str(folder / ".batches" / "learned-1.json")]
