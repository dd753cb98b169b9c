"""Bundles made by hand, right or hostile."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from histoniche.report.archive import digest_of, write_archive
from histoniche.report.inputs import COLUMNS
from histoniche.report.listing import CHECKSUMS, SEAL_FILE

CONFIG = {
    "study": {"name": "s"},
    "cohort": {"patients": "patients.tsv"},
    "areas": {"path": "areas.csv", "columns": {"CT": "ct"}},
    "survival": {},
}
PATIENTS = "patient\ttime\tevent\nP1\t30\t1\nP2\t60\t0\n"


@pytest.fixture
def bundle_of(tmp_path: Path) -> Callable[..., Path]:
    """Seals a bundle of some files, a small study of areas if nothing else is said."""

    def seal(**changes: str) -> Path:
        texts = {
            "config/config.yaml": yaml.safe_dump(CONFIG),
            "config/patients.tsv": PATIENTS,
            "config/inputs.tsv": listed(("config", "areas.path", "", "areas.csv", 3, "")),
            **{name.replace("__", "/"): text for name, text in changes.items()},
        }
        content = {name: text.encode() for name, text in texts.items()}
        sums = "".join(f"{digest_of(content[name])}  {name}\n" for name in sorted(content)).encode()
        seal = f"{digest_of(sums)}  {CHECKSUMS}\n".encode()
        out = tmp_path / "hand.crate.zip"
        write_archive({**content, CHECKSUMS: sums, SEAL_FILE: seal}, out)
        return out

    return seal


def listed(*rows: tuple[object, ...]) -> str:
    """A list of inputs."""
    return "".join("\t".join(map(str, row)) + "\n" for row in [COLUMNS, *rows])
