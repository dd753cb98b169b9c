"""Every page of the viewer, for somebody who has logged in."""

import re

import pytest

from histoniche.files import read_json, write_json
from histoniche.report.page_script import page_script, script_source
from histoniche.viewer.index import Index
from viewer_results import FORMULA, HOSTILE

PAGES = [
    *("/", "/patients/P1", "/patients/P2", "/patients/P3"),
    *("/slides/P1-1", "/slides/P1-2", "/slides/P2-1", "/slides/P2-2"),
    *("/findings/signatures", "/findings/enrichment", "/findings/survival", "/findings/regions"),
    *("/tables/omics/signatures", "/tables/slides/quality", "/tables/areas/patients"),
]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_opens_and_leads_on(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/"' in answer.text
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_all_links_lead_somewhere(client):
    waiting, seen = ["/"], set()
    while waiting:
        address = waiting.pop()
        answer = client.get(address)
        assert answer.status_code == 200, address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        found = re.findall(r'(?:href|src|data-view)="(/[^"#]*)"', answer.text)
        for link in (one.replace("&amp;", "&") for one in found):
            if link not in seen and link != "/report/":
                seen.add(link)
                waiting.append(link)
    assert "/slides/P1-1/view.json" in seen
    assert "/downloads/omics/signatures.tsv" in seen


def test_the_cohort_shows_slides_survival_and_areas(client):
    text = client.get("/").text
    assert "Made study" in text
    assert '<a href="/patients/P1">P1</a>' in text
    assert "died" in text
    assert re.search(r"<dt>deaths</dt><dd>1</dd>", text)
    assert "CTmvp mm²" in text


def test_the_cohort_is_searched_and_sorted(client):
    found = client.get("/", params={"q": "METHYL"}).text
    assert '<a href="/patients/P1">' in found
    assert '<a href="/patients/P2">' not in found
    down = client.get("/", params={"sort": "age", "down": "true"}).text
    order = [down.index(f'<a href="/patients/{patient}">') for patient in ("P1", "P3", "P2")]
    assert order == sorted(order)
    assert 'aria-sort="descending"' in down
    nobody = client.get("/", params={"q": HOSTILE + "?"}).text
    assert "Show all rows" in nobody


def test_a_patient_has_slides_areas_covariates_and_survival(client):
    text = client.get("/patients/P1").text
    assert "/slides/P1-1/thumbnail.png" in text
    assert "Cellular tumour" in text
    assert "methylated" in text
    assert "412" in text


def test_numbers_beside_a_slide_are_those_of_its_table(client, index):
    text = client.get("/slides/P1-1").text
    for row in index.rows("areas/slides", slide="P1-1"):
        assert f'<td class="number">{row["area_mm2"]:.4g}</td>' in text


def test_a_slide_that_could_not_be_read_says_why(client):
    text = client.get("/slides/P2-1").text
    assert "skipped" in text
    assert 'id="slide"' not in text
    assert client.get("/slides/P2-1/view.json").status_code == 404


def test_the_report_is_shown_as_it_is_and_runs_its_own_script_alone(client, made):
    answer = client.get("/report")
    assert answer.text == (made.results / "summary.html").read_text()
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == f"'{script_source(page_script())}'"
    assert "connect-src" not in policy


def test_what_the_report_links_to_is_there_and_nothing_else(client, made):
    assert client.get("/report").url.path == "/report/"
    drawing = client.get("/report/figures/cox.svg")
    assert drawing.content == (made.results / "figures" / "cox.svg").read_bytes()
    assert "sandbox" in drawing.headers["content-security-policy"]
    table = client.get("/report/figures/cox.tsv")
    assert table.text == f"gene\tr\n'{FORMULA}\t0.5\n"
    assert table.headers["content-disposition"] == 'attachment; filename="cox.tsv"'
    absent = ("figures/gone.png", "figures/enrichment.svg", "summary.html")
    for place in (
        *absent,
        "../slides.tsv",
        "%2e%2e/slides.tsv",
        "%2fetc/passwd",
        "figures/%00.svg",
    ):
        assert client.get(f"/report/{place}").status_code == 404, place


def test_a_page_that_is_not_there_leads_back(client):
    answer = client.get("/nothing", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert '<a href="/">Back to the cohort</a>' in answer.text


def test_without_a_configuration_slides_are_shown_from_their_overviews(made, browse):
    client = browse(Index(made.results))
    text = client.get("/slides/P1-1").text
    assert "--config" in text
    assert client.get("/slides/P1-1/tiles/0/0_0.jpg").status_code == 200


def test_only_allowed_properties_of_a_slide_are_shown(copied, browse):
    path = copied.results / "slides" / "P1-1" / "inspection.json"
    facts = read_json(path)
    facts["properties"] |= {"aperio.User": "somebody", "openslide.vendor": "aperio"}
    write_json(facts, path)
    text = browse(Index(copied.results)).get("/slides/P1-1").text
    assert "somebody" not in text
    assert "openslide.vendor" in text


def test_a_table_too_large_for_a_page_is_not_read(client, monkeypatch):
    monkeypatch.setattr("histoniche.viewer.pages.LARGEST_CELLS", 5)
    monkeypatch.setattr(Index, "table", lambda *_: pytest.fail("it was read"))
    page = client.get("/tables/omics/signatures")
    assert "3 rows and 2 columns" in page.text
    assert "omics/signatures.parquet" in page.text
    assert client.get("/downloads/omics/signatures.tsv").status_code == 413
