"""Labels of patients, joined to the sheet."""

from pathlib import Path

import pandas as pd
import pytest

from histoniche.cohort.labels import Barcode, add_covariate
from histoniche.errors import InputError

SHEET = "patient\ttime\nTCGA-14-3477\t12\nTCGA-02-0001\t007\nTCGA-02-0002\t\n"
LABELS = """sample,Group
TCGA.14.3477.01,"PN, mixed"
TCGA.02.0001.02,CL
TCGA.02.0002.01,NA
TCGA.99.9999.01,MS
"""


def join(
    tmp_path: Path, labels: str = LABELS, barcode: Barcode = "tcga", name: str = "group"
) -> int:
    (tmp_path / "patients.tsv").write_text(SHEET)
    (tmp_path / "labels.csv").write_text(labels)
    return add_covariate(
        tmp_path / "patients.tsv",
        tmp_path / "labels.csv",
        patient="sample",
        column="Group",
        name=name,
        barcode=barcode,
    )


def test_a_label_comes_by_the_patient_of_a_primary_tumour(tmp_path: Path) -> None:
    assert join(tmp_path) == 1
    sheet = pd.read_csv(tmp_path / "patients.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert sheet["group"].tolist() == ["PN, mixed", "", ""]
    assert sheet["time"].tolist() == ["12", "007", ""]


@pytest.mark.parametrize(
    ("labels", "barcode", "name", "words"),
    [
        ("sample,Other\nTCGA.14.3477.01,PN\n", "tcga", "group", ["column Group", "missing"]),
        (LABELS, "whole", "group", ["no patient of the sheet", "same ids"]),
        (LABELS, "tcga", "time", ["the sheet has it already", "column time"]),
        (LABELS, "tcga", "a group", ["no name for a covariate"]),
        (
            LABELS + "TCGA.14.3477.01,CL\n",
            "tcga",
            "group",
            ["TCGA-14-3477 has two labels", "keep one"],
        ),
    ],
)
def test_what_cannot_be_joined_is_one_line_and_leaves_the_sheet(
    tmp_path: Path, labels: str, barcode: Barcode, name: str, words: list[str]
) -> None:
    with pytest.raises(InputError) as error:
        join(tmp_path, labels, barcode, name)
    assert all(word in str(error.value) for word in words)
    assert (tmp_path / "patients.tsv").read_text() == SHEET
