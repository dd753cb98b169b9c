import pytest

from histoniche.files import read_json
from histoniche.manifests import Batch, by_slide, each_slide, made_from, stage_of

SOURCES = {"A": {"mpp": 0.5}, "B": {"mpp": 0.25}, "C": {"mpp": 0.5}}


@pytest.fixture
def manifest(tmp_path):
    return tmp_path / "tiles" / ".batches" / "3.json"


def run(manifest, sources, *, until=None):
    """Write a result a slide, and stop before one is finished; the slides that were begun."""
    stage, begun = manifest.parents[1], []
    stage.mkdir(exist_ok=True)

    def results(slide):
        return [stage / f"{slide}.txt"]

    for slide in each_slide(manifest, sources, results):
        begun.append(slide)
        if slide == until:
            break
        results(slide)[0].write_text(str(sources[slide]))
    return begun


def test_all_slides_are_done_once(manifest):
    assert run(manifest, SOURCES) == ["A", "B", "C"]
    assert run(manifest, SOURCES) == []
    assert set(made_from([manifest])) == set(SOURCES)


def test_a_job_that_was_stopped_goes_on_where_it_stood(manifest):
    assert run(manifest, SOURCES, until="B") == ["A", "B"]
    assert not manifest.exists()
    assert run(manifest, SOURCES) == ["B", "C"]


def test_what_changed_is_done_anew_and_nothing_else(manifest):
    run(manifest, SOURCES)
    before = made_from([manifest])
    assert run(manifest, SOURCES | {"B": {"mpp": 1}}) == ["B"]
    after = made_from([manifest])
    assert {slide for slide in SOURCES if before[slide] != after[slide]} == {"B"}


def test_the_same_manifest_is_written_from_the_same_sources(manifest):
    run(manifest, SOURCES)
    before = manifest.read_bytes()
    manifest.unlink()
    assert run(manifest, SOURCES) == []
    assert manifest.read_bytes() == before


def test_a_slide_keeps_its_results_in_another_batch(manifest):
    run(manifest, SOURCES)
    other = manifest.with_name("4.json")
    assert run(other, {"C": SOURCES["C"], "D": {"mpp": 2}}) == ["D"]


def test_a_result_that_is_gone_is_made_anew(manifest):
    run(manifest, SOURCES)
    (manifest.parents[1] / "C.txt").unlink()
    assert run(manifest, SOURCES) == ["C"]


def test_a_slide_that_is_stopped_when_done_anew_does_not_count_as_done(manifest):
    run(manifest, SOURCES)
    changed = SOURCES | {"B": {"mpp": 1}}
    run(manifest, changed, until="B")
    # Its old result is there, and the old settings ask for it; but it may be half overwritten.
    assert run(manifest, SOURCES) == ["B"]


def test_results_that_were_not_made_are_an_error(manifest):
    slides = each_slide(manifest, SOURCES, lambda slide: [manifest.parents[1] / "nothing"])
    next(slides)
    with pytest.raises(RuntimeError, match="slide A left no nothing"):
        next(slides)
    assert not manifest.exists()


def test_results_are_found_by_the_place_of_the_manifests(manifest):
    run(manifest, SOURCES)
    stage = manifest.parents[1]
    assert by_slide([manifest], ["C", "A"], "{slide}.zarr") == {
        "C": stage / "C.zarr",
        "A": stage / "A.zarr",
    }
    assert stage_of([manifest, manifest.with_name("7.json")]) == stage
    with pytest.raises(ValueError, match="unpack"):
        stage_of([manifest, stage.parent / "other" / ".batches" / "1.json"])


def test_a_manifest_names_no_folder(manifest):
    run(manifest, SOURCES)
    assert set(read_json(manifest)) == {"slides"}


def test_a_batch_knows_its_places_and_what_is_left(manifest):
    batch = Batch(manifest, SOURCES)
    outs = batch.outs("{slide}.txt")
    assert outs["A"] == manifest.parents[1] / "A.txt"
    other = manifest.parents[2] / "slides" / ".batches" / "7.json"
    assert batch.of([other], "{slide}/x.png")["B"] == other.parents[1] / "B" / "x.png"

    def done(own, shared):
        seen = []
        for slide in batch.left(lambda slide: [outs[slide]], SOURCES, own, shared=shared):
            outs[slide].parent.mkdir(exist_ok=True)
            outs[slide].write_text(slide)
            seen.append(slide)
        return seen

    own = {"A": 1, "B": None, "C": 3}
    assert done(own, 5) == ["A", "B", "C"]
    assert done(own, 5) == []
    assert done(own | {"B": 2}, 5) == ["B"]
    assert done(own | {"B": 2}, 6) == ["A", "B", "C"]
    # What is said of all of them is said of each.
    with pytest.raises(KeyError):
        done({"A": 1}, 6)
