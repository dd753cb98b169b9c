"""What the tests on the cluster run, and what has to come of it."""

import shutil
from pathlib import Path

import pandas as pd

from histoniche.files import sha256
from histoniche.tables import read_table
from study import Study

TARGETS = ("results/demo/areas/patients.parquet", "results/demo/segmentation/metrics.parquet")
WEIGHTS = "models/all/0/model.safetensors"
TABLES = ("areas/slides", "areas/patients", "segmentation/metrics", "segmentation/confusion")


def copied(study: Study, folder: Path) -> Study:
    """A copy of a study in another folder, to run on this machine."""
    shutil.copytree(study.folder, folder, symlinks=True)
    return Study(folder, study.config)


def here(study: Study) -> Study:
    """The same study, to run on this machine."""
    return Study(study.folder, study.config)


def assert_same_results(study: Study, other: Study) -> None:
    """The networks are the same to the last byte, and so are the numbers of the tables."""
    assert sha256(study.results / WEIGHTS) == sha256(other.results / WEIGHTS)
    for name in TABLES:
        tables = [read_table(one.results / f"{name}.parquet") for one in (study, other)]
        pd.testing.assert_frame_equal(*tables, obj=name, check_exact=True)
