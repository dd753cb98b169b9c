"""The blocks imaging and slide_signature: defaults, and what does not go together."""

import pytest
from PIL import Image

from histoniche.cohort.config import check_config
from histoniche.cohort.study import read_study
from histoniche.cohort.tables import write_patients
from histoniche.errors import InputError
from histoniche.files import write_json
from histoniche.tables import read_table
from risk_settings import MIL_RISK, RISK

COHORTS = ["training"] * 6 + ["tuning"] * 4 + ["external validation"] * 2


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Twelve patients with a scan and a slide each; the working directory is theirs."""
    monkeypatch.chdir(tmp_path)
    write_sheets(tmp_path)
    for name in (f"{kind}{k}.nii" for kind in "am" for k in range(12)):
        (tmp_path / name).write_bytes(b"")
    Image.new("RGB", (8, 8)).save(tmp_path / "s.png")
    return tmp_path


def write_sheets(folder, *, cohorts=COHORTS, event=None, scans=range(12), named="scans"):
    """Sheets of patients, slides and scans; one of them names the cohorts."""
    event = event or (lambda k: k % 2)
    own = {name: name == named for name in ("patients", "scans")}
    rows = [["patient", "time", "event", *(["cohort"] if own["patients"] else [])]]
    rows += [
        [f"P{k:02d}", f"{k + 5}", f"{event(k)}", *([cohorts[k]] if own["patients"] else [])]
        for k in range(12)
    ]
    write(folder / "patients.tsv", rows)
    rows = [["patient", "FA", "mask", *(["cohort"] if own["scans"] else [])]]
    rows += [
        [f"P{k:02d}", f"a{k}.nii", f"m{k}.nii", *([cohorts[k]] if own["scans"] else [])]
        for k in scans
    ]
    write(folder / "scans.tsv", rows)
    rows = [["slide", "patient", "path", "mpp", "role"]]
    rows += [[f"S{k:02d}", f"P{k:02d}", "s.png", "1", "apply" if k == 0 else ""] for k in range(12)]
    write(folder / "slides.tsv", rows)


def write(path, rows):
    path.write_text("".join("\t".join(row) + "\n" for row in rows))


TRAITS = {"named": {"t": {"labels": {"column": "event", "classes": [0, 1]}}}, "features": {}}


def read(*, blocks=None, slides=None, **imaging):
    config = {
        "cohort": {"patients": "patients.tsv"},
        "imaging": {"scans": "scans.tsv", "maps": ["FA"], **imaging},
        **(blocks or {}),
    }
    if slides is not None:
        config |= {
            "cohort": {"patients": "patients.tsv", "slides": "slides.tsv"},
            "tilings": {"cell": {"mpp": 1, "size": 32}},
            "traits": TRAITS,
            "slide_signature": slides,
        }
    return read_study(config, file="c.yaml")


def test_defaults_are_the_keys_that_trainings_are_tested_with():
    config = check_config(
        {
            "cohort": {"patients": "p.tsv", "slides": "s.tsv"},
            "tilings": {"cell": {"mpp": 1, "size": 32}},
            "traits": TRAITS,
            "imaging": {"scans": "s.tsv"},
            "slide_signature": {},
        },
        file="c.yaml",
    )
    assert set(config["imaging"]["training"]) == set(RISK)
    for name, change in RISK["augment"].items():
        assert set(config["imaging"]["training"]["augment"][name]) == set(change)
    assert set(config["slide_signature"]["training"]) == set(MIL_RISK)
    assert config["imaging"]["training"]["network"] == "resnet34"
    assert config["imaging"]["maps"] == ["FA", "MD", "AD", "RD"]
    assert (config["imaging"]["folds"], config["slide_signature"]["folds"]) == (None, None)


def test_cohorts_of_the_scans_say_who_is_learned_from_and_become_the_patients(cohort):
    study = read()
    assert study.learners("imaging") == [f"P{k:02d}" for k in range(10)]
    assert study.scan_groups == {
        "learned": [f"P{k:02d}" for k in range(10)], "applied": ["P10", "P11"],
    }  # fmt: skip
    assert study.risk_folds("imaging") == [0]
    assert study.patients["cohort"].tolist() == COHORTS
    assert study.scan_cohorts == dict(zip(study.patients["patient"], COHORTS, strict=True))
    out = cohort / "out.parquet"
    write_patients(
        cohort / "patients.tsv", out, covariates={}, time_unit="days", cohorts=study.scan_cohorts
    )
    assert read_table(out)["cohort"].tolist() == COHORTS
    write_sheets(cohort, named="patients")
    again = read()
    assert again.scan_cohorts == {} and again.learners("imaging") == study.learners("imaging")


def test_without_cohorts_all_with_follow_up_are_learned_from_in_folds(cohort):
    write_sheets(cohort, named=None, event=lambda _: 1)
    study = read(folds=4)
    assert len(study.learners("imaging")) == 12
    assert study.risk_folds("imaging") == [0, 1, 2, 3]


def test_both_signatures_divide_their_patients_together_where_their_folds_are_alike(cohort):
    write_sheets(cohort, scans=range(8), named="patients", event=lambda _: 1)
    study = read(folds=3, slides={"folds": 3})
    # A slide whose role is apply is not learned from.
    assert study.learners("slide_signature") == [f"P{k:02d}" for k in range(1, 10)]
    pools = [study.outcome_pool(block) for block in ("imaging", "slide_signature")]
    assert pools[0] == pools[1] and len(pools[0]) == 10
    other = read(folds=3, slides={"folds": 4})
    assert len(other.outcome_pool("imaging")) == 8
    assert len(other.outcome_pool("slide_signature")) == 9


def test_scores_are_known_to_survival(cohort):
    blocks = {"survival": {}, "survival_curves": {"scores": ["dls"]}}
    assert read(blocks=blocks).risk_scores == {"imaging": "dls"}
    blocks["survival_curves"] = {"scores": ["dlz"]}
    with pytest.raises(InputError, match=r"'dlz': no such score .*did you mean dls"):
        read(blocks=blocks)
    comparisons = {"comparisons": {"risk": {"score": "dls"}}}
    assert read(blocks=comparisons).config["comparisons"]["risk"]["score"] == "dls"


PATIENTS = {"patients": "patients.tsv"}
MODELS = {"pretrained": "models"}
PROBLEMS = {
    "a map twice": ({"maps": ["FA", "FA"]}, {}, ["imaging.maps"]),
    "a map that is another column": ({"maps": ["mask"]}, {}, ["scans.tsv", "column mask"]),
    "no sheet": ({"scans": "scanz.tsv"}, {}, ["scanz.tsv", "no such file"]),
    "a covariate": (
        {"score": "age"},
        {"blocks": {"cohort": {**PATIENTS, "covariates": {"age": {"type": "numeric"}}}}},
        ["imaging.score", "cohort.covariates has this name too"],
    ),
    "a region": (
        {"score": "CT"},
        {"blocks": {"areas": {"path": "a.tsv", "columns": {"CT": "CT"}}}},
        ["imaging.score", "areas.columns has this name too"],
    ),
    "another signature": (
        {"score": "risk"}, {"slides": {"score": "risk"}}, ["slide_signature.score", "rename it"],
    ),
    "two folds": ({"folds": 2}, {}, ["imaging.folds", "2"]),
    "more folds than patients": ({"folds": 12}, {}, ["imaging.folds", "12 folds", "10 are there"]),
    "no models": (MODELS, {}, ["imaging.pretrained", "no 0/model.json in the folder"]),
    "no features": (
        {},
        {"blocks": {"slide_signature": {}, "cohort": {**PATIENTS, "slides": "slides.tsv"}}},
        ["traits.features", "slide_signature needs it"],
    ),
    "no such tiling": ({}, {"slides": {"tiling": "cel"}}, ["slide_signature.tiling", "mean cell?"]),
}  # fmt: skip


@pytest.mark.parametrize(("imaging", "others", "words"), PROBLEMS.values(), ids=list(PROBLEMS))
def test_a_mistake_is_one_line_with_key_and_remedy(cohort, imaging, others, words):
    with pytest.raises(InputError) as caught:
        read(**imaging, **others)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_models_that_are_brought_along_are_whole_and_of_the_same_maps(cohort):
    for fold in range(2):
        write_json({"maps": ["FA"]}, cohort / "models" / str(fold) / "model.json")
    with pytest.raises(InputError, match=r"no 0/model\.safetensors"):
        read(**MODELS)
    for fold in range(2):
        (cohort / "models" / str(fold) / "model.safetensors").write_bytes(b"")
    study = read(**MODELS)
    assert study.risk_folds("imaging") == [0, 1]
    assert study.learners("imaging") == [] and list(study.scan_groups) == ["applied"]
    write_json({"maps": ["MD"]}, cohort / "models" / "1" / "model.json")
    with pytest.raises(InputError, match="1 learned from MD"):
        read(**MODELS)


def test_one_event_is_too_few_and_a_cohort_has_to_be_there(cohort):
    write_sheets(cohort, event=lambda k: int(k in (0, 7, 9)))
    with pytest.raises(InputError, match="1 of 6 train patients died"):
        read()
    write_sheets(cohort, cohorts=["training"] * 12)
    with pytest.raises(InputError, match=r"imaging\.folds: .*in the cohort tuning"):
        read()


def test_every_fold_needs_events_to_learn_from_and_to_be_chosen_by(cohort):
    write_sheets(cohort, event=lambda k: int(k in (0, 3, 5, 8)))
    words = (
        r"1 of \d (train|validation) patients of fold \d died.*make fewer folds, or drop .* imaging"
    )
    with pytest.raises(InputError, match=words):
        read(folds=3)
    write_sheets(cohort, event=lambda k: int(k < 7))
    assert read(folds=3).risk_folds("imaging") == [0, 1, 2]


def test_scans_do_not_lie_among_the_results(cohort):
    (cohort / "results").mkdir()
    (cohort / "results" / "a.nii").write_bytes(b"")
    text = (cohort / "scans.tsv").read_text()
    (cohort / "scans.tsv").write_text(text.replace("P03\ta3.nii", "P03\tresults/a.nii"))
    with pytest.raises(InputError, match=r"column FA.*for patient P03"):
        read()
