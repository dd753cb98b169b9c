"""A real SLURM cluster on this machine, and a study to run on it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from cluster_study import TARGETS, copied
from histoniche.demo.cohort import write_demo_cohort
from slurm_cluster import Cluster
from study import Study


@pytest.fixture(scope="session")
def as_root() -> None:
    """What only root can do: bring up a cluster, or make a root file system."""
    if os.geteuid() != 0:
        reason = "clusters and images are brought up by root alone"
        assert "REQUIRE_CLUSTER" not in os.environ, reason
        pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster(as_root: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that runs for these tests alone."""
    # Each process that runs tests has a cluster of its own.
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    with Cluster.brought_up(tmp_path_factory.mktemp("slurm"), number) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def new_study(small_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of four patients of which nothing has run; copy it before running it."""
    folder = tmp_path_factory.mktemp("four")
    write_demo_cohort(folder / "cohort", patients=4)
    config = yaml.safe_load(yaml.safe_dump(small_config))
    # So that slides come as an array.
    config["slides"] = {"slides_per_job": 1}
    # Long enough to be disturbed.
    config["segmentation"]["training"] |= {"epochs": 10, "patience": 10}
    return Study(folder, config)


@pytest.fixture(scope="session")
def undisturbed(new_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study run on this machine, with which others are compared; all processes share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "undisturbed"
    with FileLock(f"{folder}.lock"):
        if folder.exists():
            return Study(folder, new_study.config)
        study = copied(new_study, folder)
        study.run(*TARGETS)
    return study


@pytest.fixture
def tiled(cluster: Cluster, undisturbed: Study, tmp_path: Path) -> Study:
    """The study with its slides tiled, to go on with on the cluster."""
    study = copied(undisturbed, tmp_path / "study")
    for stage in ("models", "segmentation", "regions", "areas", "logs"):
        shutil.rmtree(study.results / stage)
    return cluster.study(study)
