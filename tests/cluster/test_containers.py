"""Jobs run in images built from the locks, alone and through SLURM, with the same results."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name

from cluster_study import TARGETS, assert_same_results, copied
from locks import versions
from slurm_cluster import Cluster
from study import CHECKOUT, Study

SCRIPTS = CHECKOUT / "tests" / "cluster"
ENVIRONMENTS = ("imaging", "analysis")
# As sandboxes, since to pack and unpack gigabytes shows nothing more; and where a proxy stands
# before the internet, the machine's certificates are those that count.
OPTIONS = "--sandbox --bind /etc/ssl/certs"
MARK = "Activating singularity image"
INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps({one.metadata["Name"]: one.version for one in distributions()}))
"""


@pytest.fixture(scope="module")
def path(as_root: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Search path of programs with Apptainer on it."""
    folder = tmp_path_factory.mktemp("apptainer")
    subprocess.run([SCRIPTS / "apptainer.sh", folder], check=True)
    return f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def images(path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Images of both environments as `make image` builds them, without a hub."""
    folder = tmp_path_factory.mktemp("images")
    subprocess.run([SCRIPTS / "base.sh", folder], check=True)
    settings = [f"IMAGES={folder}", f"BASE={folder / 'root'}", f"IMAGE_OPTIONS={OPTIONS}"]
    make = ["make", "--directory", str(CHECKOUT), "image", *settings]
    subprocess.run(make, check=True, env={**os.environ, "PATH": path})
    yield {name: str(folder / f"{name}.sif") for name in ENVIRONMENTS}
    # Some 20 GB, of which nobody learns anything.
    shutil.rmtree(folder)


def contained(study: Study, images: dict[str, str], path: str) -> Study:
    """The same study, with its jobs in containers."""
    before = study.environment.get("PATH", "").partition(os.environ["PATH"])[0]
    return replace(
        study,
        config={**study.config, "containers": images},
        environment={**study.environment, "PATH": before + path},
        place=("--sdm", "apptainer", *study.place),
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_image_holds_what_its_lock_says(images, path, name):
    done = subprocess.run(
        ["apptainer", "exec", "--cleanenv", images[name], "python", "-c", INSTALLED],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": path},
    )
    found = {canonicalize_name(key): version for key, version in json.loads(done.stdout).items()}
    # It comes with Python's own environments.
    del found["pip"]
    assert found == versions(name)


@pytest.fixture(scope="module")
def in_images(new_study: Study, images, path, tmp_path_factory) -> Study:
    """The study run in containers, from its slides to its tables."""
    folder = tmp_path_factory.mktemp("contained") / "study"
    study = contained(copied(new_study, folder), images, path)
    done = study.run(*TARGETS)
    assert MARK in done.stdout + done.stderr
    return study


def test_tables_and_networks_are_those_of_a_run_outside(in_images, undisturbed):
    assert_same_results(in_images, undisturbed)


def test_a_rule_of_each_environment_runs_in_a_container_through_slurm(
    cluster: Cluster, in_images, images, path, tmp_path
):
    study = copied(in_images, tmp_path / "study")
    for stage in ("regions", "areas"):
        shutil.rmtree(study.results / stage)
    study = contained(cluster.study(study), images, path)
    before = len(cluster.submissions())
    study.run(TARGETS[0], "--slurm-keep-successful-logs")
    assert {one.rule for one in cluster.submissions()[before:]} == {"map_regions", "collect_areas"}
    logs = list((study.folder / "results" / "logs" / "slurm").rglob("*.log"))
    batches = list((study.results / "regions" / ".batches").glob("*.json"))
    assert len(logs) == len(batches) + 1
    for log in logs:
        assert MARK in log.read_text(), log
    assert_same_results(study, in_images)
