import pandas as pd
import pytest

from histoniche.cohort.scan_sheet import join_cohorts, read_scans
from histoniche.errors import InputError

MAPS = ["FA", "MD", "AD", "RD"]
HEADER = "patient\tcohort\tmask\tFA\tMD\tAD\tRD\tdwi\tbvals\tbvecs\texclude\n"
GIVEN = "P1\t\tm.nii\tFA.nii\tMD.nii\tAD.nii\tRD.nii.gz\t\t\t\t\n"
RAW = "P2\t\tn.nii\t\t\t\t\td.nii\td.bval\td.bvec\t\n"
FILES = [
    "m.nii",
    "FA.nii",
    "MD.nii",
    "AD.nii",
    "RD.nii.gz",
    "d.nii",
    "d.bval",
    "d.bvec",
    "T1.nii",
    "n.nii",
]


@pytest.fixture
def scans_of(tmp_path):
    """Read a sheet of scans beside a sheet of two patients."""
    for name in FILES:
        (tmp_path / name).touch()

    def read(text, *, maps=MAPS, cohorts=None):
        path = tmp_path / "scans.tsv"
        path.write_text(text)
        patients = pd.DataFrame({"patient": ["P1", "P2", "P3"]})
        if cohorts:
            patients["cohort"] = cohorts
        return read_scans(path, root=tmp_path, patients=patients, maps=maps)

    return read


def test_maps_and_raw_volumes_stand_side_by_side(scans_of, tmp_path):
    table = scans_of(HEADER + RAW + GIVEN)
    assert table["patient"].tolist() == ["P1", "P2"]
    assert table["RD"].tolist() == [str(tmp_path / "RD.nii.gz"), None]
    assert table["dwi"].tolist() == [None, str(tmp_path / "d.nii")]
    assert table["brain_mask"].isna().all()
    assert table["cohort"].isna().all()


def test_a_sheet_of_raw_volumes_needs_no_columns_of_maps(scans_of):
    text = "patient\tmask\tdwi\tbvals\tbvecs\nP2\tm.nii\td.nii\td.bval\td.bvec\n"
    assert scans_of(text)["FA"].tolist() == [None]


def test_other_maps_go_with_raw_volumes(scans_of, tmp_path):
    text = "patient\tmask\tT1\tdwi\tbvals\tbvecs\nP2\tm.nii\tT1.nii\td.nii\td.bval\td.bvec\n"
    table = scans_of(text, maps=["FA", "T1"])
    assert table["T1"].tolist() == [str(tmp_path / "T1.nii")]


def test_an_excluded_scan_may_lack_everything(scans_of):
    table = scans_of(HEADER + GIVEN + "P2" + "\t" * 10 + "moved\n")
    assert table["exclude"].tolist() == [None, "moved"]


def test_a_cohort_of_either_sheet_counts(scans_of):
    text = HEADER + GIVEN.replace("P1\t", "P1\ttraining", 1) + RAW
    table = scans_of(text, cohorts=[None, "tuning", None])
    assert table["cohort"].tolist() == ["training", "tuning"]


def test_cohorts_of_the_scans_become_those_of_the_patients(scans_of):
    scans = scans_of(HEADER + GIVEN.replace("P1\t", "P1\ttraining", 1) + RAW)
    patients = pd.DataFrame({"patient": ["P1", "P2"], "time_days": 1.0, "event": 1, "age": 60})
    joined = join_cohorts(patients, scans)
    assert list(joined) == ["patient", "time_days", "event", "cohort", "age"]
    assert joined["cohort"].tolist() == ["training", None]
    stated = patients.assign(cohort=[None, "tuning"])
    assert join_cohorts(stated, scans)["cohort"].tolist() == ["training", "tuning"]
    assert join_cohorts(patients, scans.assign(cohort=None)) is patients


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + GIVEN + GIVEN, ["row 3", "'P1'", "row 2 already"]),
        (HEADER + GIVEN.replace("P1", "P9"), ["row 2", "'P9'", "no such patient"]),
        (
            HEADER + RAW.replace("P2\t", "P2\ttuning", 1),
            ["column cohort", "'tuning'", "patient P2 is in two cohorts", "says training"],
        ),
        (HEADER + GIVEN.replace("P1\t", "P1\tsecond", 1), ["column cohort", "'second'"]),
        (HEADER + GIVEN.replace("m.nii", ""), ["column mask", "no mask", "exclude"]),
        (HEADER + GIVEN.replace("AD.nii", ""), ["row 2", "column AD", "no map AD", "dwi"]),
        (HEADER + RAW.replace("d.bvec", ""), ["column bvecs", "stand together", "all three"]),
        (
            HEADER + GIVEN.replace("\t\t\t\t\n", "\td.nii\td.bval\td.bvec\t\n"),
            ["column FA", "given beside the volumes", "keep the map, or dwi"],
        ),
        (HEADER + GIVEN.replace("FA.nii", "F.nii"), ["column FA", "F.nii'", "no such file"]),
        (HEADER + GIVEN.replace("FA.nii", "FA.img"), ["column FA", "neither .nii nor .nii.gz"]),
        (
            HEADER + GIVEN + RAW.replace("n.nii", "m.nii"),
            ["row 3", "column mask", "m.nii'", "is the mask of patient P1 too"],
        ),
        (
            HEADER + GIVEN + RAW.replace("d.nii", "./FA.nii"),
            ["row 3", "column dwi", "is the FA of patient P1 too", "own files"],
        ),
        (
            HEADER + GIVEN.replace("MD.nii", "FA.nii"),
            ["row 2", "column MD", "is the FA of patient P1 too"],
        ),
        (HEADER.replace("mask", "msak") + GIVEN, ["column msak", "did you mean mask?"]),
    ],
)
def test_a_bad_sheet_gives_one_line(scans_of, text, words):
    with pytest.raises(InputError) as caught:
        scans_of(text, cohorts=[None, "training", None])
    message = str(caught.value)
    assert all(word in message for word in ["scans.tsv", *words]), message
    assert "\n" not in message


def test_a_map_cannot_bear_the_name_of_another_column(scans_of):
    with pytest.raises(InputError, match="column dwi: a map cannot bear"):
        scans_of(HEADER + GIVEN, maps=["FA", "dwi"])


def test_brains_and_directions_may_be_shared_and_an_excluded_scan_takes_no_file(scans_of, tmp_path):
    (tmp_path / "e.nii").touch()
    shared = RAW.replace("P2", "P1").replace("n.nii", "m.nii").replace("d.nii", "e.nii")
    text = HEADER.replace("mask", "mask\tbrain_mask") + "".join(
        line.replace(name, f"{name}\tT1.nii") for line, name in ((RAW, "n.nii"), (shared, "m.nii"))
    )
    assert scans_of(text)["bvals"].nunique() == 1
    moved = GIVEN.replace("P1", "P3").replace("\n", "moved\n")
    assert len(scans_of(HEADER + GIVEN + moved)) == 2
