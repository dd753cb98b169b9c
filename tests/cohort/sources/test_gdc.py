"""The GDC's API, in the shapes of its documentation."""

import pytest

from histoniche.cohort.sources.decisions import Flow
from histoniche.cohort.sources.gdc import COUNTS, SLIDES, Gdc, read_manifest, sample_sheet
from histoniche.cohort.sources.slide_choice import choose_slides
from histoniche.errors import InputError
from source_server import Reply
from source_services import FakeGdc, case, uuid

PROJECT = ["TCGA-GBM"]


@pytest.fixture
def fake(server):
    return FakeGdc(server, [case(f"TCGA-02-{k:04d}", dead=100 + k) for k in range(1, 6)])


def test_every_page_of_hits_is_read(fake, connection):
    for k in range(1, 6):
        fake.add_slide(f"TCGA-02-{k:04d}-01Z-00-DX1")
        fake.add_counts(f"TCGA-02-{k:04d}-01A", k)
    gdc = Gdc(connection, fake.base, page=2)
    slides = gdc.files(PROJECT, SLIDES)
    assert [hit["cases"][0]["submitter_id"] for hit in slides] == [
        f"TCGA-02-{k:04d}" for k in range(1, 6)
    ]
    assert [seen.body["from"] for seen in fake.server.seen] == [0, 2, 4]
    assert len(gdc.files(PROJECT, COUNTS)) == 5 == len(gdc.cases(PROJECT))
    assert gdc.files(["TCGA-LUAD"], SLIDES) == [] == gdc.annotations(PROJECT)


def test_a_busy_api_is_asked_again_and_packed_answers_are_read(fake, connection):
    service = fake.server.services["/gdc/cases"]
    answers = [Reply(status=503), Reply(status=429, headers={"Retry-After": "0"})]
    fake.server.services["/gdc/cases"] = lambda seen: answers.pop(0) if answers else service(seen)
    assert len(Gdc(connection, fake.base).cases(PROJECT)) == 5
    assert "gzip" in fake.server.seen[0].headers["Accept-Encoding"]


def test_pages_that_end_too_early_are_an_error(fake, connection):
    fake.server.services["/gdc/cases"] = lambda seen: {
        "data": {"hits": [], "pagination": {"total": 3}}
    }
    with pytest.raises(InputError, match="ends after 0 of 3"):
        Gdc(connection, fake.base).cases(PROJECT)
    fake.server.services["/gdc/cases"] = lambda seen: {"message": "down for maintenance"}
    with pytest.raises(InputError, match="not as the GDC does"):
        Gdc(connection, fake.base).cases(PROJECT)


def test_a_file_is_found_where_the_api_says_and_goes_below_its_id(fake, connection):
    hit = fake.add_slide("TCGA-02-0001-01Z-00-DX1", access="controlled")
    gdc = Gdc(connection, fake.base)
    remote = gdc.remote(gdc.files(PROJECT, SLIDES)[0], "slides")
    assert remote.path == f"slides/{hit['file_id']}/{hit['file_name']}"
    assert remote.url == f"{fake.base}/data/{hit['file_id']}"
    assert (remote.size, remote.md5, remote.controlled) == (5, hit["md5sum"], True)


@pytest.mark.parametrize(
    "wrong", [{"file_name": "../../x"}, {"file_id": "a/b"}, {"md5sum": "x"}, {"file_size": None}]
)
def test_what_cannot_be_a_file_is_refused(fake, connection, wrong):
    fake.add_slide("TCGA-02-0001-01Z-00-DX1")
    hit = {**fake.files[0], **wrong}
    with pytest.raises(InputError, match="not a file"):
        Gdc(connection, fake.base).remote(hit, "slides")


def test_a_manifest_names_files(fake, connection, tmp_path):
    ids = [fake.add_slide(f"TCGA-02-{k:04d}-01Z-00-DX1")["file_id"] for k in (1, 2, 3)]
    path = tmp_path / "gdc_manifest.txt"
    rows = [f"{name}\tx.svs\t{'0' * 32}\t5\treleased" for name in ids[:2]]
    path.write_text("\n".join(["id\tfilename\tmd5\tsize\tstate", *rows]) + "\n")
    gdc = Gdc(connection, fake.base, page=1)
    assert [hit["file_id"] for hit in gdc.listed(read_manifest(path))] == ids[:2]
    with pytest.raises(InputError, match="no such file"):
        gdc.listed([uuid(9, 9)])
    path.write_text("id\tfilename\tmd5\tsize\tstate\nx\ty\tz\t1\tlive\n")
    with pytest.raises(InputError, match="row 2, column id"):
        read_manifest(path)
    path.write_text("slide\n1\n")
    with pytest.raises(InputError, match="not a manifest"):
        read_manifest(path)


def test_the_sample_sheet_has_the_columns_of_the_portals(fake, connection):
    fake.add_counts("TCGA-02-0001-01A", 1)
    (row,) = sample_sheet(Gdc(connection, fake.base).files(PROJECT, COUNTS))
    assert row["Case ID"] == "TCGA-02-0001" and row["Sample ID"] == "TCGA-02-0001-01A"
    assert row["Sample Type"] == "Primary Tumor" and row["Project ID"] == "TCGA-GBM"
    newer = {
        "file_id": "i",
        "file_name": "n",
        "cases": [{"samples": [{"tumor_descriptor": "Recurrence", "tissue_type": "Tumor"}]}],
    }
    assert sample_sheet([newer])[0]["Sample Type"] == "Recurrence Tumor"


def hit(barcode, made="2017-01-01", number=1):
    name = f"{barcode}.{uuid(1, number)}.svs"
    return {"file_name": name, "file_id": uuid(1, number), "created_datetime": made}


def choose(hits, **options):
    settings = {
        "patients": {"TCGA-02-0001", "TCGA-02-0002"},
        "sample_types": ["Primary Tumor"],
        "section_types": ["FFPE"],
    }
    slides, decisions = choose_slides(hits, **(settings | options))
    return [slide.barcode.barcode for slide in slides], decisions


def reasons(decisions):
    return sorted(one.reason for one in decisions if not one.kept)


def test_slides_are_chosen_and_every_file_has_a_decision():
    hits = [
        hit("TCGA-02-0001-01Z-00-DX1"),
        hit("TCGA-02-0001-01Z-00-DX2", number=2),
        hit("TCGA-02-0001-01A-01-BS1", number=3),
        hit("TCGA-02-0002-02Z-00-DX1", number=4),
        hit("TCGA-02-0009-01Z-00-DX1", number=5),
        {"file_name": "scan.svs", "file_id": uuid(1, 6)},
    ]
    slides, decisions = choose(hits)
    assert slides == ["TCGA-02-0001-01Z-00-DX1", "TCGA-02-0001-01Z-00-DX2"]
    assert len(decisions) == 6
    assert reasons(decisions) == [
        "its name is no slide's barcode",
        "its patient is not in the cohort",
        "sample type: Recurrent Tumor",
        "section: frozen",
    ]
    assert len(choose(hits, section_types=["FFPE", "frozen"])[0]) == 3
    assert choose(hits, sample_types=[])[0][-1] == "TCGA-02-0002-02Z-00-DX1"


def test_of_files_of_one_slide_the_latest_is_kept():
    hits = [
        hit("TCGA-02-0001-01Z-00-DX1", "2017-01-01", 1),
        hit("TCGA-02-0001-01Z-00-DX1", "2020-05-01", 2),
        hit("TCGA-02-0001-01Z-00-DX1", "2019-05-01", 3),
    ]
    for order in (hits, hits[::-1]):
        chosen, decisions = choose_slides(
            order, patients={"TCGA-02-0001"}, sample_types=[], section_types=["FFPE"]
        )
        assert [slide.hit["file_id"] for slide in chosen] == [uuid(1, 2)]
        assert reasons(decisions) == ["another file of the same slide was made later"] * 2


def test_the_first_slide_of_each_preparation():
    names = ("DXA", "DX10", "DX2", "TS1", "BS1", "MSA")
    hits = [
        hit(f"TCGA-02-0001-01{'Z' if 'DX' in name else 'A'}-00-{name}", number=k)
        for k, name in enumerate(names)
    ]
    slides, decisions = choose(hits, section_types=["FFPE", "frozen"], per_patient="first")
    assert slides == ["TCGA-02-0001-01A-00-TS1", "TCGA-02-0001-01Z-00-DX2"]
    assert reasons(decisions) == ["not the patient's first slide"] * 4


def test_what_the_gdc_withdrew_is_left_out():
    hits = [hit("TCGA-02-0001-01Z-00-DX1"), hit("TCGA-02-0002-01Z-00-DX1", number=2)]
    slides, decisions = choose(hits, withdrawn={"TCGA-02-0002-01Z"})
    assert slides == ["TCGA-02-0001-01Z-00-DX1"]
    assert reasons(decisions) == ["withdrawn by the GDC (Redaction)"]


def test_the_flow_counts_by_reason():
    flow = Flow()
    flow.kept("Slides listed", patients=3, slides=4)
    _, decisions = choose([hit("TCGA-02-0009-01Z-00-DX1"), hit("TCGA-02-0001-01A-00-TS1")])
    flow.left_out("slides", decisions)
    table = flow.count_table()
    assert table["role"].tolist() == ["kept", "left out", "left out"]
    assert table["slides"].tolist() == [4, 1, 1]
    assert len(flow.decision_table()) == 2
