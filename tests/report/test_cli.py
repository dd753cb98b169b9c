"""The command `histoniche`."""

import subprocess
import sys
from pathlib import Path

import pytest

from histoniche import cli
from histoniche.errors import InputError
from histoniche.report.archive import digest_of, write_archive


def run(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["histoniche", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    code, text = ended.value.code, capsys.readouterr()
    # sys.exit with a text prints it and ends with 1, which is what the shell would see.
    return (1, text.out, code) if isinstance(code, str) else (code or 0, text.out, text.err)


@pytest.fixture
def bundle(tmp_path):
    sums = f"{digest_of(b'x')}  a.tsv\n".encode()
    seal = f"{digest_of(sums)}  checksums.sha256\n".encode()
    path = tmp_path / "b.crate.zip"
    write_archive({"a.tsv": b"x", "checksums.sha256": sums, "seal.sha256": seal}, path)
    return path


def test_verify_tells_intact_from_altered(monkeypatch, capsys, bundle):
    assert run(monkeypatch, capsys, "verify", bundle) == (0, "ok: 3 files intact\n", "")
    data = bytearray(bundle.read_bytes())
    data[40] ^= 1
    bundle.write_bytes(data)
    code, out, err = run(monkeypatch, capsys, "verify", bundle)
    assert code == 1 and "altered" in out and "Traceback" not in out + err


def test_users_mistakes_are_one_line_and_status_1(monkeypatch, capsys, tmp_path):
    code, out, err = run(monkeypatch, capsys, "verify", tmp_path / "none.zip")
    assert (code, out) == (1, "")
    assert err == f"error: {tmp_path / 'none.zip'}: no such bundle; name the zip or its folder"


def test_verify_in_a_shell_prints_no_traceback(bundle):
    bundle.write_bytes(bundle.read_bytes()[:-30])
    done = subprocess.run(
        [sys.executable, "-c", "from histoniche.cli import main; main()", "verify", bundle],
        env={"PYTHONPATH": str(Path(cli.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and done.stdout and done.stderr == ""


def test_demo_and_imports_hand_over_what_was_typed(monkeypatch, capsys, tmp_path):
    calls = []

    class Module:
        @staticmethod
        def write_demo_cohort(folder, **settings):
            calls.append((folder, settings))

        @staticmethod
        def import_cbioportal(clinical, out, **settings):
            calls.append((clinical, out, settings))

        @staticmethod
        def write_config_docs(path, *, check):
            raise InputError("not current", file=path, remedy="run it")

    for name in ("demo.cohort", "cohort.importers", "cohort.config_docs"):
        monkeypatch.setitem(sys.modules, f"histoniche.{name}", Module)
    assert run(monkeypatch, capsys, "demo", tmp_path, "--patients", "5", "--seed", "3")[0] == 0
    words = (
        "--time-from",
        tmp_path / "t",
        "--time-column",
        "OS",
        "--patient-column",
        "ID",
    )
    assert (
        run(monkeypatch, capsys, "import-cbioportal", tmp_path / "c", tmp_path / "p", *words)[0]
        == 0
    )
    assert calls == [
        (tmp_path, {"patients": 5, "seed": 3}),
        (
            tmp_path / "c",
            tmp_path / "p",
            {"time_from": tmp_path / "t", "time_column": "OS", "patient_column": "ID"},
        ),
    ]
    code, _, err = run(monkeypatch, capsys, "config-docs", "--check")
    assert code == 1 and err == "error: config/README.md: not current; run it"


def test_predict_hands_over_every_covariate(monkeypatch, capsys, tmp_path):
    calls = []

    class Module:
        @staticmethod
        def predict(path, settings, *, extrapolate):
            calls.append((path, settings, extrapolate))
            return ["alive after 365 days: 50.0 %"]

    monkeypatch.setitem(sys.modules, "histoniche.survival.nomogram_reading", Module)
    words = ("predict", tmp_path / "n.json", "--set", "age=61", "--set", "sex=F", "--extrapolate")
    assert run(monkeypatch, capsys, *words) == (0, "alive after 365 days: 50.0 %\n", "")
    assert run(monkeypatch, capsys, "predict", tmp_path / "n.json")[0] == 0
    path = tmp_path / "n.json"
    assert calls == [(path, ["age=61", "sex=F"], True), (path, [], False)]
