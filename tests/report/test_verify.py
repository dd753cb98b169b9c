"""Bundles that were touched are found out."""

import hashlib
import json
import shutil
import zipfile

import pytest

from histoniche.errors import InputError
from histoniche.report.archive import seal_problem, write_archive
from histoniche.report.listing import CHECKSUMS, METADATA, SEAL_FILE, digest_of_store
from histoniche.report.verify import inspect_bundle, unsafe, verify_bundle

CONTENT = {
    "summary.html": b"<p>page</p>" * 40,
    "figures/a.png": bytes(range(256)),
    "regions/S1/map.ome.zarr/zarr.json": b"{}\n",
    "tables/ü.tsv": b"a\tb\n1\t2\n",
    "empty.tsv": b"",
}


def seal(content, out):
    from histoniche.report.archive import digest_of

    sums = "".join(f"{digest_of(content[name])}  {name}\n" for name in sorted(content)).encode()
    sealed = {CHECKSUMS: sums, SEAL_FILE: f"{digest_of(sums)}  {CHECKSUMS}\n".encode()}
    write_archive({**content, **sealed}, out)
    return out


@pytest.fixture
def bundle(tmp_path):
    return seal(CONTENT, tmp_path / "b.crate.zip")


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repack(content, out):
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return out


def unpack(path, folder):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def test_intact_bundles_are_intact_packed_repacked_and_unpacked(bundle, tmp_path):
    found = inspect_bundle(bundle)
    assert (found.files, found.problems) == (7, [])
    assert verify_bundle(repack(members(bundle), tmp_path / "r.zip")) == []
    folder = unpack(bundle, tmp_path / "folder")
    assert verify_bundle(folder) == []
    again = shutil.make_archive(str(tmp_path / "again"), "zip", folder)
    assert verify_bundle(type(tmp_path)(again)) == []


def test_every_flipped_byte_of_every_file_is_found(bundle, tmp_path):
    content = members(bundle)
    for name, data in content.items():
        for place in {*range(0, len(data), 7), max(0, len(data) - 1)} if data else ():
            changed = bytearray(data)
            changed[place] ^= 0x20
            altered = repack({**content, name: bytes(changed)}, tmp_path / "x.zip")
            problems = verify_bundle(altered)
            assert problems, (name, place)
            if name not in (CHECKSUMS, SEAL_FILE):
                digests = (hashlib.sha256(one).hexdigest() for one in (data, bytes(changed)))
                expected = "{}: altered, sha256 {} when sealed, {} now".format(name, *digests)
                assert problems == [expected]


@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_every_flipped_byte_of_the_archive_itself_is_found(bundle, tmp_path, flip):
    data, path = bundle.read_bytes(), tmp_path / "x.zip"
    for place in range(0, len(data)):
        changed = bytearray(data)
        changed[place] ^= flip
        path.write_bytes(changed)
        assert verify_bundle(path), place


def test_every_flipped_byte_of_an_unpacked_bundle_is_found(bundle, tmp_path):
    folder = unpack(bundle, tmp_path / "folder")
    for path in [p for p in folder.rglob("*") if p.is_file() and p.stat().st_size]:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert verify_bundle(folder)
        path.write_bytes(data)
    assert verify_bundle(folder) == []


def described(changes):
    """A bundle with a description that differs from its list as told."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()}
    store = "regions/S1/map.ome.zarr/"
    digests[store] = digest_of_store([f"{store}zarr.json"], digests)
    del digests[f"{store}zarr.json"]
    graph = [{"@id": name, "sha256": digest} for name, digest in (digests | changes).items()]
    graph = [one for one in graph if one["sha256"] != "left out"]
    return {**CONTENT, METADATA: json.dumps({"@graph": graph}).encode()}


def test_the_description_tells_the_digests_of_the_list(tmp_path):
    assert verify_bundle(seal(described({}), tmp_path / "right.zip")) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"empty.tsv": "0" * 64}, "empty.tsv: ro-crate-metadata.json has sha256 '0000"),
        ({"empty.tsv": None}, "empty.tsv: ro-crate-metadata.json has sha256 none"),
        ({"figures/a.png": "left out"}, "figures/a.png: not described"),
        ({"regions/S1/map.ome.zarr/": "0" * 64}, "regions/S1/map.ome.zarr/: ro-crate"),
    ],
)
def test_a_description_that_tells_other_digests_is_found(tmp_path, changes, words):
    (problem,) = verify_bundle(seal(described(changes), tmp_path / "x.zip"))
    assert problem.startswith(words)


@pytest.mark.parametrize("text", [b"", b"[]", b'{"@graph": 3}', b'{"@graph": [[1]]}', b"[" * 9000])
def test_a_description_that_is_none_is_found(tmp_path, text):
    (problem,) = verify_bundle(seal({**CONTENT, METADATA: text}, tmp_path / "x.zip"))
    assert problem == "ro-crate-metadata.json: not a description of a crate"


def test_cut_archives_and_other_files_are_no_bundles(bundle, tmp_path):
    data, path = bundle.read_bytes(), tmp_path / "x.zip"
    for size in (0, 1, 21, 100, len(data) // 2, len(data) - 72, len(data) - 1):
        path.write_bytes(data[:size])
        assert verify_bundle(path)
    path.write_bytes(data + b"\0")
    assert verify_bundle(path)
    path.write_bytes(b"hello")
    assert verify_bundle(path)[0].startswith("not a readable bundle")


def test_missing_and_added_files_are_named(bundle, tmp_path):
    content = members(bundle)
    content["extra.exe"] = content.pop("figures/a.png")
    problems = verify_bundle(repack(content, tmp_path / "x.zip"))
    assert problems == ["figures/a.png: missing", "extra.exe: not part of the bundle"]
    folder = unpack(bundle, tmp_path / "folder")
    (folder / "figures" / "more.svg").touch()
    (folder / "summary.html").unlink()
    assert verify_bundle(folder) == [
        "summary.html: missing",
        "figures/more.svg: not part of the bundle",
    ]


@pytest.mark.parametrize("name", [CHECKSUMS, SEAL_FILE])
def test_bundles_without_checksums_or_seal_are_not_intact(bundle, tmp_path, name):
    content = members(bundle)
    del content[name]
    assert f"{name}: missing" in verify_bundle(repack(content, tmp_path / "x.zip"))


def test_checksums_made_to_fit_an_edit_do_not_fit_the_seal(bundle, tmp_path):
    content = members(bundle)
    forged = members(seal({**CONTENT, "summary.html": b"other"}, tmp_path / "f.zip"))
    content |= {name: forged[name] for name in ("summary.html", CHECKSUMS)}
    problems = verify_bundle(repack(content, tmp_path / "x.zip"))
    assert problems == [f"{CHECKSUMS} or {SEAL_FILE}: altered"]


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "C:/x", "a\\x", "a//x", "./x", "a/\x1b[31m", "", "a\n"],
)
def test_unsafe_names_are_refused(bundle, tmp_path, name):
    assert unsafe(name)
    if name:
        problems = verify_bundle(repack({**members(bundle), name: b""}, tmp_path / "x.zip"))
        assert len(problems) == 1 and "refused" in problems[0] and "\x1b" not in problems[0]


def test_safe_names_are_safe():
    for name in (
        "a",
        "a/b.c",
        "regions/S-1_2.x/map.ome.zarr/0/c/0/0",
        "ü/Ω.tsv",
        "a..b",
        ".zattrs",
    ):
        assert not unsafe(name)


def test_links_are_refused_packed_and_unpacked(bundle, tmp_path):
    packed = repack(members(bundle), tmp_path / "x.zip")
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert "refused" in verify_bundle(packed)[0]
    folder = unpack(bundle, tmp_path / "folder")
    (folder / "summary.html").unlink()
    (folder / "summary.html").symlink_to(bundle)
    assert "refused" in verify_bundle(folder)[0]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_stands_there_twice_is_found(bundle, tmp_path):
    packed = repack(members(bundle), tmp_path / "x.zip")
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("summary.html", CONTENT["summary.html"])
    assert "summary.html: stands there twice" in verify_bundle(packed)


def test_nothing_there_is_the_users_mistake(tmp_path):
    with pytest.raises(InputError, match="no such bundle"):
        verify_bundle(tmp_path / "none.zip")


def test_archives_are_the_same_for_the_same_content(tmp_path):
    file = tmp_path / "big.parquet"
    file.write_bytes(b"x" * 3_000_000)
    one = seal({**CONTENT, "big.parquet": file}, tmp_path / "1.zip")
    file.touch()
    two = seal({"big.parquet": file, **CONTENT}, tmp_path / "2.zip")
    assert one.read_bytes() == two.read_bytes()
    assert seal_problem(one) is None and verify_bundle(one) == []
