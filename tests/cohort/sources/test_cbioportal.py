"""cBioPortal's API and its unpacked folders, and labels of what they say."""

import numpy as np
import pandas as pd
import pytest

from histoniche.cohort.importers import import_cbioportal
from histoniche.cohort.sources.cbioportal import CBioPortal, fetch_study
from histoniche.cohort.sources.patient_labels import classify, read_label
from histoniche.cohort.sources.portal_files import (
    read_clinical,
    unpacked,
    write_clinical,
    write_expression,
    write_maf,
)
from histoniche.cohort.sources.stated_survival import read_stated
from histoniche.errors import InputError
from histoniche.omics.maf import read_maf, read_sequenced
from source_services import FakeCBioPortal, case

STATUS = ("0:LIVING", "1:DECEASED")
PATIENTS = {
    f"TCGA-02-{k:04d}": {"OS_MONTHS": str(k), "OS_STATUS": STATUS[k % 2]} for k in range(1, 8)
}
PATIENTS["TCGA-02-0007"] = {"OS_STATUS": "0:LIVING", "AGE": "60"}
SAMPLES = {
    "TCGA-02-0001-01": {"GRADE": "G4", "MGMT": "Methylated"},
    "TCGA-02-0001-02": {"GRADE": "G2"},
    "TCGA-02-0002-01": {"GRADE": "G3"},
    "TCGA-02-0003-01": {"GRADE": "GX"},
    "TCGA-02-0004-01": {"MGMT": "NA"},
}
MUTATION = {
    "gene": {"hugoGeneSymbol": "TP53"},
    "entrezGeneId": 7157,
    "sampleId": "TCGA-02-0001-01",
    "chr": "17",
    "startPosition": 7577121,
    "mutationType": "Missense_Mutation",
    "mutationStatus": "Somatic",
    "proteinChange": "R273C",
}


@pytest.fixture
def portal(server, connection):
    fake = FakeCBioPortal(server)
    gistic = {"TCGA-02-0001-01": 2, "TCGA-02-0002-01": 0, "TCGA-02-0002-02": 2}
    fake.add_study("s", patients=PATIENTS, samples=SAMPLES, gistic=gistic, mutations=[MUTATION] * 3)
    fake.add_study("empty")
    return CBioPortal(connection, fake.base, page=4)


def test_attributes_become_columns_whatever_the_pages(portal):
    table = portal.clinical("s", "patient").set_index("PATIENT_ID")
    assert list(table.index) == sorted(PATIENTS)
    assert table.loc["TCGA-02-0003", "OS_MONTHS"] == "3"
    assert table.loc["TCGA-02-0007", "OS_MONTHS"] == "" and table["AGE"].tolist()[-1] == "60"
    assert portal.clinical("s", "sample")["SAMPLE_ID"].tolist() == sorted(SAMPLES)
    assert portal.clinical("empty", "patient").columns.tolist() == ["PATIENT_ID"]


def test_clinical_data_are_written_as_the_importer_reads_them(portal, tmp_path):
    write_clinical(portal.clinical("s", "patient"), tmp_path / "data_clinical_patient.txt")
    assert import_cbioportal(tmp_path / "data_clinical_patient.txt", tmp_path / "p.tsv") == 7
    stated = read_stated(portal, ["s"]).set_index("patient")
    assert stated.loc["TCGA-02-0002", "time"] == pytest.approx(60.88)
    assert stated["event"].tolist()[:3] == [1, 0, 1] and np.isnan(stated["time"].iloc[-1])
    with pytest.raises(InputError, match="has no survival"):
        read_stated(portal, ["empty"])


def test_mutations_are_written_as_the_reader_wants_them(portal, tmp_path):
    table = portal.mutations("s")
    assert table["Hugo_Symbol"].tolist() == ["TP53"] * 3
    write_maf(table, portal.samples("s", "sequenced"), tmp_path / "data_mutations.txt")
    variants = read_maf(tmp_path / "data_mutations.txt", silent=["Silent"])
    assert variants.table["gene"].tolist() == ["TP53"] * 3
    assert set(variants.samples) == {*SAMPLES, "TCGA-02-0002-02"}
    assert portal.samples("s", "methylation") == []


def test_expression_is_written_by_symbol(portal, tmp_path):
    values = portal.values("s_gistic", "s_all", [1956])
    assert values.loc[1956, "TCGA-02-0001-01"] == 2
    write_expression(values, portal.genes(), tmp_path / "e.txt")
    table = pd.read_csv(tmp_path / "e.txt", sep="\t")
    assert table["Hugo_Symbol"].tolist() == ["EGFR"] and table["Entrez_Gene_Id"].tolist() == [1956]
    assert portal.values("s_gistic", "s_all", [1]).empty


def test_a_profile_that_is_not_plain_is_an_error(portal):
    assert portal.profile("s", "COPY_NUMBER_ALTERATION", "gistic") == "s_gistic"
    with pytest.raises(InputError, match="2 profiles of s"):
        portal.profile("s", "COPY_NUMBER_ALTERATION")
    with pytest.raises(InputError, match="no study's id"):
        portal.clinical("../secrets", "patient")


def label(portal, entry, cases=()):
    patients = [f"TCGA-02-{k:04d}" for k in range(1, 6)]
    return read_label("x", entry, patients=patients, cases=cases, portal=portal)


def test_labels_come_from_attributes_of_primary_samples(portal):
    entry = {"from": "clinical", "study": "s", "level": "sample", "attribute": "GRADE"}
    got = label(portal, {**entry, "classes": {"III": ["G3"], "IV": ["G4"]}})
    assert got.values == {"TCGA-02-0001": "IV", "TCGA-02-0002": "III"}
    reasons = {one.name: one.reason for one in got.decisions}
    reasons = {one.patient: one.reason for one in got.decisions}
    assert reasons["TCGA-02-0003"] == "of no class: GX"
    assert reasons["TCGA-02-0004"] == reasons["TCGA-02-0005"] == "the source has none"
    # It is found too where a study has it of patients, or of samples, against the recipe.
    assert label(portal, {**entry, "level": "patient"}).values["TCGA-02-0001"] == "G4"
    with pytest.raises(InputError, match="AGE, GRADE, MGMT"):
        label(portal, {**entry, "attribute": "SUBTYPE"})


def test_labels_come_from_copy_number(portal):
    entry = {"from": "copy_number", "study": "s", "gene": "EGFR", "entrez": 1956}
    classes = {"normal": [-2, -1, 0, 1], "amplified": [2]}
    got = label(portal, {**entry, "classes": classes})
    assert got.values == {"TCGA-02-0001": "amplified", "TCGA-02-0002": "normal"}


def test_labels_come_from_the_gdc_and_from_own_tables(portal, tmp_path):
    entry = {"from": "gdc", "field": "primary_diagnosis"}
    assert label(portal, entry, [case("TCGA-02-0001", dead=1)]).values == {
        "TCGA-02-0001": "Glioblastoma"
    }
    grade = {"from": "gdc", "field": "tumor_grade"}
    assert label(portal, grade, [case("TCGA-02-0001", dead=1)]).values == {}
    (tmp_path / "t.csv").write_text("id,g\nTCGA.02.0002.01,PN\nTCGA.02.0003.02,CL\n")
    own = {"from": "table", "path": str(tmp_path / "t.csv"), "patient": "id", "column": "g"}
    assert label(portal, own).values == {"TCGA-02-0002": "PN"}
    with pytest.raises(InputError, match="missing column"):
        label(portal, {**own, "column": "h"})


def test_samples_that_differ_make_no_label():
    found = [("TCGA-02-0001-01A", "a"), ("TCGA-02-0001-01B", "b"), ("TCGA-02-0002", " a ")]
    got = classify("x", found, None, ["TCGA-02-0001", "TCGA-02-0002"])
    assert got.values == {"TCGA-02-0002": "a"}
    assert got.decisions[0].reason == "samples differ: a, b"
    same = classify("x", found, {"both": ["a", "b"]}, ["TCGA-02-0001"])
    assert same.values == {"TCGA-02-0001": "both"}


def test_an_unpacked_folder_is_known_by_its_files(tmp_path):
    with pytest.raises(InputError, match="data_clinical_patient"):
        unpacked(tmp_path)
    (tmp_path / "case_lists").mkdir()
    names = ("data_clinical_patient.txt", "data_mutations_extended.txt")
    for name in (*names, "case_lists/cases_sequenced.txt"):
        (tmp_path / name).write_text("case_list_ids: A\tB\n")
    found = unpacked(tmp_path)
    assert found["mutations"].name == "data_mutations_extended.txt"
    assert read_sequenced(found["sequenced"]) == ["A", "B"]
    assert set(found) == {"patients", "mutations", "sequenced"}


def test_a_study_becomes_the_folder_that_its_archive_unpacks_to(portal, tmp_path):
    written = fetch_study(portal, "s", tmp_path)
    assert {path.name for path in written} == {
        "data_clinical_patient.txt",
        "data_clinical_sample.txt",
        "data_mutations.txt",
        "cases_sequenced.txt",
    }
    found = unpacked(tmp_path)
    assert len(read_sequenced(found["sequenced"])) == 6
    # The folder serves in the study's place.
    assert portal.clinical(str(tmp_path), "sample").equals(portal.clinical("s", "sample"))
    assert read_stated(portal, [str(tmp_path)]).equals(read_stated(portal, ["s"]))


def test_cells_with_signs_of_their_own_are_neither_cut_nor_spilt(portal, tmp_path):
    row = {"PATIENT_ID": "P1", "SITE": 'ward #2, "B"\tleft', "OS_MONTHS": "10"}
    table = pd.DataFrame([{**row, "OS_STATUS": "1:DECEASED"}])
    path = tmp_path / "data_clinical_patient.txt"
    write_clinical(table, path)
    got = read_clinical(path)
    assert got.loc[0, "SITE"] == "ward #2,  B left" and got.loc[0, "OS_MONTHS"] == "10"
    assert read_stated(portal, [str(tmp_path)])["time"].tolist() == [304.38]
    with pytest.raises(InputError, match=r"no data_clinical_sample\.txt here"):
        portal.clinical(str(tmp_path), "sample")


def test_a_service_that_answers_otherwise_is_told(portal, server):
    service = server.services
    page = [{"patientId": "P1", "clinicalAttributeId": "AGE", "value": "1"}]
    endless = CBioPortal(portal._connection, portal.base, page=1)
    service["/cbio/studies/s/clinical-data"] = lambda seen: page
    with pytest.raises(InputError, match="the same page again"):
        endless.clinical("s", "patient")
    for wrong in ([{"patientId": "P1"}], ["P1"], {"message": "no"}):
        service["/cbio/studies/s/clinical-data"] = lambda seen, wrong=wrong: wrong
        with pytest.raises(InputError, match="not as cBioPortal does"):
            portal.clinical("s", "patient")


def test_the_real_clinical_file_is_written_back_as_it_was(real_data, tmp_path):
    source = real_data / "tcga_gbm" / "data_clinical_patient.txt"
    table = read_clinical(source)
    write_clinical(table, tmp_path / "again.txt")
    first, second = tmp_path / "a.tsv", tmp_path / "b.tsv"
    assert import_cbioportal(source, first) == import_cbioportal(tmp_path / "again.txt", second)
    assert first.read_bytes() == second.read_bytes()


def test_the_real_labels_are_joined_by_barcode(real_data):
    folder = real_data / "tcga_gbm"
    entry = {"from": "table", "path": str(folder / "subtype_wang2017.csv")}
    table = pd.read_csv(folder / "subtype_wang2017.csv")
    patients = sorted({name.replace(".", "-")[:12] for name in table["sampleId"]})
    entry |= {"patient": "sampleId", "column": "Group"}
    classes = {"Proneural": ["PN"], "Classical": ["CL"], "Mesenchymal": ["MS"]}
    got = read_label("s", {**entry, "classes": classes}, patients=patients, cases=[], portal=None)
    assert len(got.values) == 369 == len(patients)
    assert set(got.values.values()) == set(classes)
