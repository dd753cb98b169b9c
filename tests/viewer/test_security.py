"""Who is let in, and what hostile addresses, names and forms come to."""

import re
import time

import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.tables import write_table
from histoniche.viewer.index import Index
from histoniche.viewer.security import Gate, local_path, read_token
from histoniche.viewer.serve import serve
from viewer_results import FORMULA, HOSTILE

TOKEN = "a-token-that-nobody-guesses"
ADDRESSES = [
    "/slides/../../etc/passwd",
    "/slides/%2e%2e/%2e%2e/etc/passwd",
    "/slides/%2e%2e%2f%2e%2e%2fetc%2fpasswd/view.json",
    "/slides/%2fetc%2fpasswd",
    "/slides/P1-1%00/view.json",
    "/slides/P1-1/tiles/9/0_0.jpg/../../../../../../etc/passwd",
    "/slides/..%5c..%5cetc/thumbnail.png",
    "/slides/P1-1/overlays/..%2fmap/0/0_0.png",
    "/patients/%2e%2e",
    "/figures/%2e%2e%2fsummary.svg",
    "/figures//etc/passwd.svg",
    "/tables//etc/passwd",
    "/tables/%2e%2e/%2e%2e/etc/passwd",
    "/tables/omics/%2e%2e/cohort/patients",
    "/tables/cohort/patients%00",
    "/downloads//etc/passwd.tsv",
    "/downloads/%2e%2e/%2e%2e/etc/passwd.tsv",
    "/findings/%2e%2e%2fetc",
    "/static/%2e%2e/app.py",
    "/static/%2e%2e%2fapp.py",
    "/static//etc/passwd",
]
ABSENT = [
    "/slides/P9-9", "/slides/P9-9/view.json", "/slides/P9-9/tiles/0/0_0.jpg", "/patients/P9",
    "/figures/none.svg", "/tables/omics/none", "/downloads/omics/none.tsv", "/findings/none",
    "/slides/P1-1/tiles/99/0_0.jpg", "/slides/P1-1/tiles/3/1_0.jpg",
    "/slides/P1-1/tiles/3/0_1.jpg", "/slides/P1-1/tiles/-1/0_0.jpg",
    "/slides/P1-1/tiles/0/-1_0.jpg", "/slides/P1-1/tiles/x/0_0.jpg",
    f"/slides/P1-1/tiles/{'9' * 6000}/0_0.jpg", "/slides/P1-1/tiles/12/999999999_0.jpg",
    "/slides/P1-1/tiles/١/0_0.jpg", "/slides/P1-1/overlays/regions/99/0_0.png",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_part_of_an_address_becomes_a_path(client, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "import" not in answer.text


@pytest.mark.parametrize("address", ABSENT)
def test_what_the_index_does_not_name_is_not_there(client, address):
    assert client.get(address).status_code == 404


def test_a_link_out_of_the_results_leads_nowhere(copied, browse, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG secret")
    thumbnail = copied.results / "slides" / "P1-1" / "thumbnail.png"
    thumbnail.unlink()
    thumbnail.symlink_to(secret)
    figure = copied.results / "figures" / "cox.svg"
    figure.unlink()
    figure.symlink_to("/etc/passwd")
    table = copied.results / "omics" / "signatures.parquet"
    table.rename(tmp_path / "moved.parquet")
    table.symlink_to(tmp_path / "moved.parquet")
    region_map = copied.results / "regions" / "P1-1" / "map.ome.zarr"
    region_map.rename(tmp_path / "map")
    region_map.symlink_to(tmp_path / "map")
    vote = copied.results / "traits" / "maps" / "P1-1" / "egfr.zarr"
    vote.rename(tmp_path / "egfr.zarr")
    vote.symlink_to(tmp_path / "egfr.zarr")
    client = browse(Index(copied.results))
    for address in (
        "/slides/P1-1/thumbnail.png",
        "/figures/cox.svg",
        "/tables/omics/signatures",
        "/downloads/omics/signatures.tsv",
    ):
        assert client.get(address).status_code == 404, address
    assert client.get("/slides/P1-1/view.json").status_code == 404
    restored = copied.results / "slides" / "P1-1" / "contour.png"
    thumbnail.unlink()
    thumbnail.write_bytes(restored.read_bytes())
    names = {one["name"] for one in client.get("/slides/P1-1/view.json").json()["overlays"]}
    assert not {"regions", "trait-egfr"} & names
    assert "trait-mgmt" in names


@pytest.mark.parametrize(
    "address",
    ["/", "/patients/P2", "/slides/P2-2", "/tables/omics/signatures", "/tables/omics/enrichment"],
)
def test_names_cannot_become_markup(client, address):
    text = client.get(address).text
    assert HOSTILE not in text
    assert "<img src=x" not in text
    assert "&lt;/script&gt;&lt;img" in text


def test_what_is_searched_for_cannot_become_markup(client):
    text = client.get("/", params={"q": f'"{HOSTILE}', "sort": HOSTILE}).text
    assert "<img src=x" not in text
    assert '"</script>' not in text


def test_no_cell_of_a_spreadsheet_is_a_formula(client):
    answer = client.get("/downloads/omics/signatures.tsv")
    assert "attachment" in answer.headers["content-disposition"]
    cells = [cell for line in answer.text.splitlines() for cell in line.split("\t")]
    assert f"'{FORMULA}" in cells
    assert "-0.5" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_a_stranger_sees_nothing(stranger):
    page = stranger.get("/", headers={"accept": "text/html"}, follow_redirects=False)
    assert page.status_code == 303
    assert page.headers["location"] == "/login?next=/"
    for address in (
        *("/", "/slides/P1-1/view.json", "/slides/P1-1/tiles/0/0_0.jpg", "/session"),
        *("/report", "/report/", "/report/figures/cox.svg", "/figures/cox.svg"),
        "/downloads/omics/signatures.tsv",
    ):
        assert stranger.get(address).status_code == 401
    assert "Made study" not in stranger.get("/login").text


def form_of(client):
    return re.search(r'name="form" value="([^"]+)"', client.get("/login").text).group(1)


def test_a_wrong_token_is_refused_and_costs_time(stranger):
    start = time.monotonic()
    answer = stranger.post("/login", data={"token": "wrong", "form": form_of(stranger)})
    assert answer.status_code == 403
    assert time.monotonic() - start > 0.4
    assert "That is not the token" in answer.text
    assert stranger.get("/session").status_code == 401


@pytest.mark.parametrize("form", ["", "made-up", None])
def test_a_form_that_is_not_ours_is_refused(stranger, form):
    form_of(stranger)
    data = {"token": TOKEN} if form is None else {"token": TOKEN, "form": form}
    assert stranger.post("/login", data=data).status_code == 403
    assert stranger.get("/session").status_code == 401


def test_logging_out_needs_our_form_and_forgets_the_browser(client):
    assert client.post("/logout").status_code == 403
    assert client.get("/session").status_code == 200
    form = re.search(r'name="form" value="([^"]+)"', client.get("/").text).group(1)
    assert client.post("/logout", data={"form": form}, follow_redirects=False).status_code == 303
    assert client.get("/session").status_code == 401


def test_a_form_of_another_page_is_refused(stranger):
    data = {"token": TOKEN, "form": form_of(stranger)}
    for origin in ("https://elsewhere.example", "null", "http://127.0.0.1:9999"):
        assert stranger.post("/login", data=data, headers={"origin": origin}).status_code == 403
    ours = {"origin": "http://127.0.0.1:8765"}
    assert (
        stranger.post("/login", data=data, headers=ours, follow_redirects=False).status_code == 303
    )


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "", "[::2]:1"]
)
def test_another_name_of_this_machine_is_refused(client, host):
    for address in ("/", "/login", "/static/viewer.css", "/slides/P1-1/tiles/0/0_0.jpg"):
        answer = client.get(address, headers={"host": host})
        assert answer.status_code == 421
        assert "Made" not in answer.text


def test_more_than_a_form_is_not_read(stranger):
    form = form_of(stranger)
    large = {"token": "x" * 100_000, "form": form}
    assert stranger.post("/login", data=large).status_code == 413

    def endless():
        for _ in range(100):
            yield b"token=" + b"x" * 10_000

    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert stranger.post("/login", content=endless(), headers=kind).status_code in (400, 413)
    assert stranger.get("/login", headers={"content-length": "9" * 30}).status_code == 413


@pytest.mark.parametrize(
    "address",
    ["/", "/login", "/nothing", "/slides/P1-1", "/slides/P1-1/tiles/0/0_0.jpg",
     "/slides/P1-1/view.json", "/static/slide.js", "/static/openseadragon.js"],
)  # fmt: skip
def test_every_answer_says_what_browsers_may_do_with_it(client, address):
    headers = client.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_files_of_the_run_with_their_own_styles_are_sealed_off(client):
    for address in ("/report/figures/cox.svg", "/figures/cox.svg"):
        policy = client.get(address).headers["content-security-policy"]
        assert "sandbox" in policy
        assert "allow-same-origin" not in policy
        assert "connect-src" not in policy
        assert policy.startswith("default-src 'none'")


def test_cookies_are_for_this_site_and_no_script(stranger):
    answer = stranger.get("/login")
    entered = stranger.post(
        "/login", data={"token": TOKEN, "form": form_of(stranger)}, follow_redirects=False
    )
    for cookie in (answer.headers["set-cookie"], entered.headers["set-cookie"]):
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()


def test_a_session_ends_with_time_and_with_the_viewer():
    gate = Gate(TOKEN, hours=12)
    session = gate.session()
    assert gate.knows(session)
    assert not Gate(TOKEN, hours=12).knows(session)
    assert not Gate(TOKEN, hours=0).knows(Gate(TOKEN, hours=0).session())
    for forged in (None, "", ".", "1.x.y", session[:-1], "9" + session):
        assert not gate.knows(forged)


@pytest.mark.parametrize(
    "wanted", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "\n/x"]
)
def test_a_login_leads_nowhere_else(wanted):
    assert local_path(wanted) == "/"


def test_a_login_leads_to_the_page_that_was_wanted(stranger):
    data = {"token": TOKEN, "form": form_of(stranger), "next": "/slides/P1-1?a=b"}
    answer = stranger.post("/login", data=data, follow_redirects=False)
    assert answer.headers["location"] == "/slides/P1-1?a=b"


def test_an_error_of_ours_tells_a_browser_nothing_of_it(copied, browse):
    (copied.results / "slides" / "P1-1" / "inspection.json").write_text('{"readable": tru')
    client = browse(Index(copied.results))
    client._transport.raise_server_exceptions = False
    answer = client.get("/slides/P1-1", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert "The viewer stumbled" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_others_reach_the_viewer_only_with_a_token_file(made):
    with pytest.raises(InputError, match="--token-file"):
        serve(made.results, host="0.0.0.0")


def test_a_token_file_is_long_and_its_owners_alone(tmp_path):
    path = tmp_path / "token"
    path.write_text("a" * 40)
    path.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        read_token(path)
    path.chmod(0o600)
    assert read_token(path) == "a" * 40
    path.write_text("short")
    with pytest.raises(InputError, match="at least 16"):
        read_token(path)


def test_a_folder_without_results_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no results of a run"):
        Index(tmp_path)


def test_an_id_that_is_none_stops_the_viewer(copied):
    for bad in ("../x", "a/b", "a..b", HOSTILE, "a" * 65, ""):
        table = pd.DataFrame({"patient": [bad]})
        write_table(table, copied.results / "cohort" / "patients.parquet")
        with pytest.raises(InputError, match="not an id"):
            Index(copied.results)
