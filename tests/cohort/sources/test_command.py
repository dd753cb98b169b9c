"""From a study's name to a ready cohort, against local services."""

import subprocess
import sys

import pandas as pd
import pytest
import yaml

from histoniche.cohort.config import check_config
from histoniche.cohort.sources import recipes
from histoniche.cohort.sources.cbioportal import CBioPortal
from histoniche.cohort.sources.command import (
    fetch_cohort,
    make_cohort,
    read_addresses,
    verify_cohort,
)
from histoniche.cohort.sources.stated_survival import read_stated
from histoniche.cohort.study import read_study
from histoniche.errors import InputError
from histoniche.omics.maf import read_maf, read_sequenced
from histoniche.omics.samples import Wanted
from histoniche.omics.star_counts import read_star_counts
from source_server import status
from source_services import FakeCBioPortal, FakeGdc, FakeIvyGap, case
from study import CHECKOUT

PATIENTS = [f"TCGA-02-{k:04d}" for k in range(1, 7)]


@pytest.fixture
def services(server):
    """Six cases: one withdrawn, one without slides, one alive without follow-up in the GDC."""
    cases = [case(name, dead=100 * k) for k, name in enumerate(PATIENTS[:4], start=1)]
    cases += [case(PATIENTS[4], alive=None), case(PATIENTS[5], alive=700)]
    gdc = FakeGdc(server, cases)
    gdc.annotations.append(
        {
            "annotation_id": "a1",
            "project": {"project_id": "TCGA-GBM"},
            "status": "Approved",
            "classification": "Redaction",
            "entity_submitter_id": PATIENTS[3],
        }
    )
    for name in (*PATIENTS[:2], *PATIENTS[3:]):
        gdc.add_slide(f"{name}-01Z-00-DX1", b"slide of " + name.encode())
    gdc.add_slide(f"{PATIENTS[0]}-01Z-00-DX2")
    gdc.add_slide(f"{PATIENTS[0]}-01A-01-TS1")
    gdc.add_slide(f"{PATIENTS[1]}-02Z-00-DX1")
    for k, name in enumerate(PATIENTS[:3]):
        gdc.add_counts(f"{name}-01A", k)
    gdc.add_counts(f"{PATIENTS[0]}-11A", 9)
    gdc.add_maf(f"{PATIENTS[0]}-01A", "TP53")
    gdc.add_maf(f"{PATIENTS[1]}-01A", None)
    portal = FakeCBioPortal(server)
    stated = {
        name: {"OS_MONTHS": f"{100 * k / 30.4:.2f}", "OS_STATUS": "1:DECEASED"}
        for k, name in enumerate(PATIENTS[:3], start=1)
    }
    stated[PATIENTS[4]] = {"OS_MONTHS": "20", "OS_STATUS": "0:LIVING"}
    names = [f"{name}-01" for name in PATIENTS]
    for study in ("gbm_tcga_pan_can_atlas_2018", "lgg_tcga_pan_can_atlas_2018"):
        gistic = dict(zip(names, (2, 0, 1), strict=False))
        portal.add_study(study, patients=stated, gistic=gistic)
    for study in ("brca_tcga_pan_can_atlas_2018", "luad_tcga_pan_can_atlas_2018"):
        portal.add_study(study, patients=stated)
    portal.add_study(
        "lgggbm_tcga_pub",
        samples={
            names[0]: {"TRANSCRIPTOME_SUBTYPE": "CL", "MGMT_PROMOTER_STATUS": "Methylated"},
            names[1]: {"TRANSCRIPTOME_SUBTYPE": "PN", "MGMT_PROMOTER_STATUS": "Unmethylated"},
            names[2]: {"TRANSCRIPTOME_SUBTYPE": "ME", "GRADE": "G4"},
        },
    )
    return {
        "gdc": gdc,
        "addresses": read_addresses([f"gdc={gdc.base}", f"cbioportal={portal.base}"]),
    }


def make(services, folder, connection, name="tcga-gbm", **options):
    return make_cohort(
        name, folder, addresses=services["addresses"], connection=connection, **options
    )


def sheet(folder, name):
    return pd.read_csv(folder / f"{name}.tsv", sep="\t", dtype=str, keep_default_na=False)


def test_a_name_becomes_config_and_sheets(services, connection, tmp_path):
    folder = tmp_path / "gbm"
    lines = make(services, folder, connection)
    slides = sheet(folder, "slides")
    assert slides["slide"].tolist() == [
        "TCGA-02-0001-01Z-00-DX1",
        "TCGA-02-0001-01Z-00-DX2",
        "TCGA-02-0002-01Z-00-DX1",
        "TCGA-02-0005-01Z-00-DX1",
        "TCGA-02-0006-01Z-00-DX1",
    ]
    assert set(slides["section_type"]) == {"FFPE"} and set(slides["site"]) == {"02"}
    patients = sheet(folder, "patients").set_index("patient")
    assert list(patients.index) == [PATIENTS[0], PATIENTS[1], PATIENTS[2], *PATIENTS[4:]]
    assert patients["event"].tolist() == ["1", "1", "1", "0", "0"]
    assert float(patients.loc[PATIENTS[4], "time"]) == pytest.approx(608.75)
    assert patients.loc[PATIENTS[5], "time"] == "700.0"
    assert patients["subtype"].tolist() == ["Classical", "Proneural", "Mesenchymal", "", ""]
    assert patients["mgmt"].tolist() == ["methylated", "unmethylated", "", "", ""]
    assert patients["egfr"].tolist() == ["amplified", "normal", "normal", "", ""]
    assert patients.loc[PATIENTS[0], "age"] == "54.8"
    text = "\n".join(lines)
    assert "survival beside gbm_tcga_pan_can_atlas_2018: agrees 3" in text
    assert "survival of 1 patient is that of gbm_tcga_pan_can_atlas_2018" in text
    assert "10 files to fetch" in text and f"histoniche fetch {folder}" in text


def test_counts_add_up_at_every_step(services, connection, tmp_path):
    make(services, tmp_path / "c", connection)
    flow = sheet(tmp_path / "c", "flow")
    assert flow[flow["role"] == "kept"][["step", "patients", "slides"]].values.tolist() == [
        ["Cases of TCGA-GBM", "6", ""],
        ["Slides listed", "4", "7"],
        ["Slides used", "4", "5"],
    ]
    out = flow[(flow["role"] == "left out") & (flow["slides"] != "")]
    assert 7 - out["slides"].astype(int).sum() == 5
    # Of six cases one is withdrawn, with its slide, and one has none.
    first = flow[(flow["role"] == "left out") & (flow["slides"] == "")]
    assert first.set_index("reason")["patients"].to_dict() == {
        "withdrawn by the GDC (Redaction)": "1",
        "the source lists no slide (kept for what needs none)": "1",
    }
    these = flow[flow["role"] == "of these"].set_index("step")["patients"]
    assert these.to_dict() == {
        "with survival time": "4",
        "died": "2",
        "with expression": "2",
        "with mutations": "2",
        "with subtype": "2",
        "with mgmt": "2",
        "with egfr": "2",
        # Of the six one is withdrawn.
        "beside these, without a slide": "1",
    }
    assert len(sheet(tmp_path / "c", "patients")) == 4 + 1
    decisions = sheet(tmp_path / "c", "decisions")
    assert (decisions["kind"] == "slide").sum() == 8
    assert set(decisions.loc[decisions["decision"] == "left out", "reason"]) >= {
        "withdrawn by the GDC (Redaction)",
        "section: frozen",
        "sample type: Recurrent Tumor",
        "sample type: Solid Tissue Normal",
        "the source has none",
    }
    filled = decisions[decisions["reason"] == "as gbm_tcga_pan_can_atlas_2018 states"]
    assert filled[["patient", "decision"]].values.tolist() == [[PATIENTS[4], "kept"]]
    assert "days_to_last_follow_up" in (tmp_path / "c" / "rules.txt").read_text()


def test_what_is_fetched_makes_a_study_that_can_be_read(
    services, connection, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "gbm"
    make(services, folder, connection)
    said = fetch_cohort(folder, addresses=services["addresses"])
    assert said == ["ok: 10 files fetched", "made mutations.maf.gz"]
    assert verify_cohort(folder) == ([], 0)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    preset = yaml.safe_load((CHECKOUT / "config/presets/glioblast_traits.yaml").read_text())
    preset["traits"]["named"] = config["traits"]["named"]
    study = read_study({**preset, **config, "traits": preset["traits"]}, file="config.yaml")
    assert len(study.slides) == 5 and len(study.patients) == 5
    assert (folder / "slides.tsv").read_text().count(".svs") == 5
    wanted = Wanted(PATIENTS, "tcga", config["expression"]["sample_types"])
    counts = read_star_counts(folder / "expression", unit="counts", wanted=wanted)
    assert sorted(counts.values.columns) == PATIENTS[:3]
    variants = read_maf(folder / "mutations.maf.gz", silent=[])
    assert variants.table[["sample", "gene"]].values.tolist() == [
        [f"{PATIENTS[0]}-01A-11D-1696-08", "TP53"]
    ]
    # Who has no variant was sequenced all the same.
    assert read_sequenced(folder / "sequenced.txt") == [f"{name}-01A" for name in PATIENTS[:2]]


def test_a_second_run_keeps_the_config_and_fetches_nothing(services, connection, tmp_path):
    folder = tmp_path / "c"
    make(services, folder, connection)
    fetch_cohort(folder, addresses=services["addresses"])
    (folder / "config.yaml").write_text("mine: true\n")
    lines = make(services, folder, connection)
    assert any("is there already and stays" in line for line in lines)
    assert (folder / "config.yaml").read_text() == "mine: true\n"
    assert "0 files to fetch (0 B), 10 there already" in "\n".join(lines)
    services["gdc"].server.seen.clear()
    assert fetch_cohort(folder, addresses=services["addresses"]) == ["ok: 0 files fetched"]
    assert services["gdc"].server.seen == []


def test_a_dry_run_writes_nothing(services, connection, tmp_path):
    lines = make(services, tmp_path / "c", connection, dry_run=True)
    assert "Slides used: 5 slides of 4 patients" in lines
    assert not (tmp_path / "c").exists()


def test_slides_that_do_not_go_on_the_disk_can_pass_through(services, connection, tmp_path):
    for hit in services["gdc"].files:
        if hit["file_name"].endswith(".svs"):
            hit["file_size"] = 10**15
    lines = make(services, tmp_path / "c", connection)
    assert "note: there is no room for 5000.0 TB: --no-keep-slides has slides pass through" in lines
    config = yaml.safe_load((tmp_path / "c" / "config.yaml").read_text())
    assert "keep_slides" not in config["sources"]
    # What fetches all of it refuses to begin.
    with pytest.raises(InputError, match="histoniche stream"):
        fetch_cohort(tmp_path / "c", addresses=services["addresses"])
    lines = make(services, tmp_path / "d", connection, keep_slides=False)
    assert "5 slides (5000.0 TB) pass through, a few at a time" in lines
    assert "5 files to fetch" in "\n".join(lines) and "no room" not in "\n".join(lines)
    assert lines[-2].startswith("next: histoniche stream --config config/presets/")
    config = yaml.safe_load((tmp_path / "d" / "config.yaml").read_text())
    assert config["sources"] == {"folder": str(tmp_path / "d"), "keep_slides": False}


def test_controlled_files_are_announced(services, connection, tmp_path):
    services["gdc"].files[0]["access"] = "controlled"
    lines = make(services, tmp_path / "c", connection)
    assert "note: 1 controlled file: histoniche fetch needs --token FILE" in lines


def test_frozen_sections_by_choice(services, connection, tmp_path):
    make(services, tmp_path / "c", connection, frozen=True)
    slides = sheet(tmp_path / "c", "slides")
    assert slides["section_type"].value_counts().to_dict() == {"FFPE": 5, "frozen": 1}


def test_a_label_that_a_source_lost_can_be_left_out(services, connection, tmp_path):
    portal = FakeCBioPortal(services["gdc"].server)
    portal.add_study("lgggbm_tcga_pub", samples={"TCGA-02-0001-01": {"MGMT_PROMOTER_STATUS": "x"}})
    with pytest.raises(InputError, match="TRANSCRIPTOME_SUBTYPE"):
        make(services, tmp_path / "c", connection)
    make(services, tmp_path / "c", connection, without=["subtype", "mgmt"])
    config = yaml.safe_load((tmp_path / "c" / "config.yaml").read_text())
    assert list(config["traits"]["named"]) == ["egfr"]
    assert list(config["cohort"]["covariates"]) == ["age", "sex", "egfr"]
    with pytest.raises(InputError, match="no such label"):
        make(services, tmp_path / "d", connection, without=["grade"])


def test_a_label_that_nobody_has_is_told_with_what_the_source_says(services, connection, tmp_path):
    portal = FakeCBioPortal(services["gdc"].server)
    said = {"TRANSCRIPTOME_SUBTYPE": "CL", "MGMT_PROMOTER_STATUS": "yes"}
    portal.add_study("lgggbm_tcga_pub", samples={"TCGA-02-0001-01": said})
    with pytest.raises(InputError, match="column mgmt: no patient has the label") as error:
        make(services, tmp_path / "c", connection)
    assert "of no class: yes" in str(error.value) and "--without" in str(error.value)
    make(services, tmp_path / "c", connection, without=["mgmt"])
    config = yaml.safe_load((tmp_path / "c" / "config.yaml").read_text())
    assert config["survival_curves"]["groups"] == ["subtype", "egfr"]
    # Without one of its covariates a model would be another.
    assert list(config["survival_models"]["models"]) == ["clinical"]


def test_of_several_studies_the_first_that_knows_a_time_counts(server, connection):
    portal = FakeCBioPortal(server)
    one, two, three = PATIENTS[:3]
    dead = {"OS_STATUS": "1:DECEASED"}
    portal.add_study("a", patients={one: {**dead, "OS_MONTHS": "10"}, two: dead})
    later = {**dead, "OS_MONTHS": "20"}
    portal.add_study("b", patients=dict.fromkeys((one, two, three), later))
    stated = read_stated(CBioPortal(connection, portal.base), ["a", "b"]).set_index("patient")
    assert stated["time"].round().to_dict() == {one: 304, two: 609, three: 609}


def test_an_empty_project_is_told(services, connection, tmp_path):
    services["gdc"].cases.clear()
    services["gdc"].files.clear()
    with pytest.raises(InputError, match="has no cases"):
        make(services, tmp_path / "c", connection)


@pytest.mark.parametrize("name", ["tcga-brca", "tcga-luad", "tcga-lgg"])
def test_the_other_recipes_write_configs_that_fit(services, connection, tmp_path, name):
    recipe = yaml.safe_load((recipes.SHIPPED / f"{name}.yaml").read_text())
    gdc = services["gdc"]
    for hit in [*gdc.cases, *(hit["cases"][0] for hit in gdc.files)]:
        hit["project"] = {"project_id": recipe["projects"][0]}
    make(services, tmp_path / "c", connection, name=name)
    patients = sheet(tmp_path / "c", "patients")
    assert set(patients["project"]) == {recipe["projects"][0]}
    if name == "tcga-lgg":
        assert patients["grade"].tolist() == ["", "", "IV", "", ""]
        assert len(sheet(tmp_path / "c", "slides")) == 4
        assert set(patients["tumour_type"]) == {"glioblastoma"}


SUB_BLOCKS = (
    "tumor_name,molecular_subtype,surgery,mgmt_methylation,survival_days,egfr_amplification,"
    "initial_kps,age_in_years,sub_block_name,study_name,data_set_id\n"
    "W1-1-1,Neural,primary,Yes,300,No,90,44 yrs,W1-1-1-A.1.01,Anatomic,1\n"
    "W1-1-1,Neural,primary,Yes,300,No,90,44 yrs,W1-1-1-A.1.02,Anatomic,2\n"
    "W2-1-1,Classical,primary,No,,Yes,80,60 yrs,W2-1-1-A.1.01,Other,3\n"
)
SUB_BLOCKS += "W3-1-1,Neural,primary,No,200,Yes,80,61 yrs,W3-1-1-A.1.01,Other,4\n"
BLOCKS = {1: "W1-1-1-A.1.01", 2: "W1-1-1-A.1.02", 3: "W2-1-1-A.1.01", 4: "W3-1-1-A.1.01"}
SAMPLES = "tumor_name,structure_acronym\nW1-1-1,CT-reference-histology\n"


def test_the_atlas_becomes_slides_with_masks(server, connection, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    atlas = FakeIvyGap(server, BLOCKS)
    atlas.add_tables(SUB_BLOCKS.encode(), SAMPLES.encode())
    atlas.add_expression({"7": ("W1-1-1", "CT-reference-histology")})
    given = [f"ivygap={atlas.base}", f"ivygap-portal={atlas.portal}"]
    addresses = read_addresses(given)
    folder = tmp_path / "ivy"
    lines = make_cohort("ivygap", folder, addresses=addresses, connection=connection)
    assert "H&E sections: 12 slides of 3 patients" in lines
    assert "Sections used: 4 slides of 3 patients" in lines
    said = fetch_cohort(folder, addresses=addresses)
    assert [line for line in said if line.startswith("made masks")] == [
        f"made masks/{name}_0013.png" for name in sorted(BLOCKS.values())
    ]
    slides = sheet(folder, "slides")
    assert slides["mpp"].tolist() == ["8"] * 4 and set(slides["section_type"]) == {"frozen"}
    config = yaml.safe_load((folder / "config.yaml").read_text())
    study = read_study({**config, "split": {"ratio": [1, 1, 1]}}, file="config.yaml")
    assert len(study.annotated_slides) == 4 and study.regions[0] == "LE"
    expression = pd.read_csv(folder / "expression/CT.tsv.gz", sep="\t", index_col="gene")
    assert expression.columns.tolist() == ["W1-1-1"]


def test_the_command_line_says_errors_in_one_line(services, tmp_path):
    program = [sys.executable, "-c", "from histoniche.cli import main; main()"]
    places = [f"--service={name}={services['addresses'][name]}" for name in ("gdc", "cbioportal")]

    def run(*arguments):
        return subprocess.run(
            [*program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(CHECKOUT / "workflow"), "PATH": "/usr/bin:/bin"},
        )

    done = run("cohort", "tcga-gbm", "--into", str(tmp_path / "c"), *places)
    assert done.returncode == 0, done.stderr
    told = run("fetch", str(tmp_path / "c"), "--check").stdout
    assert told == "ok: all is as it came, and 10 files never came yet\n"
    assert (tmp_path / "c/flow/cohort_flow.svg").is_file()
    gdc = services["gdc"]
    path = f"/gdc/data/{gdc.files[0]['file_id']}"
    gdc.server.files[path].faults.append(status(403))
    failed = run("fetch", str(tmp_path / "c"), *places)
    assert failed.returncode == 1 and failed.stderr.splitlines()[-1].startswith("error: 1 of 10")
    assert "Traceback" not in failed.stderr
    assert run("fetch", str(tmp_path / "c"), *places).returncode == 0
    assert run("fetch", str(tmp_path / "c"), "--check").stdout == "ok: all is as it came\n"
    wrong = run("cohort", "tcga-gmb", "--into", str(tmp_path / "d"))
    assert (
        wrong.stderr.startswith("error: value 'tcga-gmb'")
        and "did you mean tcga-gbm" in wrong.stderr
    )
    (tmp_path / "file").write_text("")
    wrong = run("cohort", "tcga-gbm", "--into", str(tmp_path / "file" / "d"), *places)
    assert wrong.returncode == 1 and len(wrong.stderr.splitlines()) == 1
    assert "file/d: Not a directory; mend that" in wrong.stderr


def test_shipped_recipes_fit_the_schema_and_their_configs_too():
    assert recipes.shipped() == ["ivygap", "tcga-brca", "tcga-gbm", "tcga-lgg", "tcga-luad"]
    for name in recipes.shipped():
        recipe = recipes.read_recipe(recipes.find_recipe(name))
        assert recipe["name"] == name
        blocks = {"cohort": {"patients": "p.tsv", "slides": "s.tsv"}}
        if not recipe["presets"] and "survival_curves" not in recipe["config"]:
            check_config({**recipe["config"], **blocks}, file=name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "name: x\ntitle: t\nsource: gdc\nprojects: [TCGA-GBM]\nslide: {}\n",
            "did you mean slides",
        ),
        ("name: x\ntitle: t\nsource: gdc\n", "projects"),
        ("name: x\ntitle: t\nsource: ivygap\nprojects: [TCGA-GBM]\n", "no meaning"),
        ("name: x\ntitle: [\n", "row 3"),
        ("name: x\ntitle: t\nsource: gdc\nprojects: [A]\nlabels: {g: {from: clinical}}\n", "study"),
        ("name: ../x\ntitle: t\nsource: gdc\nprojects: [A]\n", "does not match"),
        ("", "None is not of type"),
    ],
)
def test_a_recipe_of_ones_own_is_checked(tmp_path, text, words):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        recipes.read_recipe(recipes.find_recipe(str(path)))


def test_a_recipe_may_name_a_manifest_an_unpacked_study_and_clinical_files(
    services, connection, tmp_path
):
    gdc = services["gdc"]
    facts = {"data_type": "Clinical Supplement", "data_format": "BCR XML"}
    gdc.add("nationwidechildrens.org_clinical.xml", b"<x/>", f"{PATIENTS[0]}-01A", **facts)
    names = (f"{PATIENTS[0]}-01Z-00-DX2", f"{PATIENTS[5]}-01Z-00-DX1")
    hits = [hit for hit in gdc.files if hit["file_name"].startswith(names)]
    rows = [f"{hit['file_id']}\t{hit['file_name']}\tx\t5\treleased" for hit in hits]
    head = "id\tfilename\tmd5\tsize\tstate"
    (tmp_path / "gdc_manifest.txt").write_text("\n".join([head, *rows]) + "\n")
    (tmp_path / "study").mkdir()
    own = f"PATIENT_ID\tOS_MONTHS\tOS_STATUS\n{PATIENTS[5]}\t23\t0:LIVING\n"
    (tmp_path / "study" / "data_clinical_patient.txt").write_text(own)
    (tmp_path / "own.yaml").write_text(
        "name: own\ntitle: Own\nsource: gdc\nprojects: [TCGA-GBM]\nmanifest: gdc_manifest.txt\n"
        "slides: {}\nsupplements: true\nsurvival: {check_with: [study]}\n"
    )
    lines = make(services, tmp_path / "c", connection, name=str(tmp_path / "own.yaml"))
    assert sheet(tmp_path / "c", "slides")["slide"].tolist() == list(names)
    assert "Slides listed: 2 slides of 2 patients" in lines
    check = sheet(tmp_path / "c", "survival_check").set_index("patient")
    assert check.loc[PATIENTS[5], "verdict"] == "agrees"
    fetch_cohort(tmp_path / "c", addresses=services["addresses"], only=["clinical"])
    assert [path.name for path in (tmp_path / "c" / "clinical").rglob("*.xml")] == [
        "nationwidechildrens.org_clinical.xml"
    ]


def test_a_preset_is_one_of_the_workflows(services, connection, tmp_path):
    path = tmp_path / "own.yaml"
    head = "name: own\ntitle: t\nsource: gdc\nprojects: [TCGA-GBM]\npresets:"
    path.write_text(f"{head} [glioblast_trait]\n")
    with pytest.raises(InputError, match="did you mean glioblast_traits"):
        make(services, tmp_path / "c", connection, name=str(path))
    path.write_text(f"{head} [../../workflow/schemas/recipe.schema]\n")
    with pytest.raises(InputError, match="no such preset"):
        make(services, tmp_path / "c", connection, name=str(path))


def test_addresses_are_checked():
    assert read_addresses(["gdc=https://x/"])["gdc"] == "https://x/"
    for wrong in ("gcd=https://x", "gdc=ftp://x", "gdc", "gdc=https://", "gdc=http://h:x"):
        with pytest.raises(InputError):
            read_addresses([wrong])
