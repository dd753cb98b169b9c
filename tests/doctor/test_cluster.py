"""Whether the doctor sees which jobs would wait for ever."""

from pathlib import Path

import pytest
import yaml

from histoniche.doctor.cluster import Cluster, check_cluster, read_profile
from histoniche.doctor.nodes import Node
from histoniche.doctor.requests import Request
from histoniche.errors import InputError

NODES = {
    "cpu": [Node(16, 64000, 0, 2880), Node(4, 256000, 0, 2880)],
    "gpu": [Node(8, 128000, 2, 1440)],
}
PATIENTS = "patient\ttime\tevent\nP1\t100\t1\nP2\t200\t0\n"


def request(**changes):
    sizes = {"cpus": 1, "mem_mb": 1000, "minutes": 10, "gpus": 0, "partition": ""}
    return Request(rule="r", jobs=1, **{**sizes, **changes})


def test_a_job_needs_one_node_that_has_all_it_asks_for():
    cluster = Cluster(NODES, [], "cpu")
    assert cluster.obstacle(request(cpus=16, mem_mb=64000, minutes=2880)) is None
    assert cluster.obstacle(request(cpus=4, mem_mb=200000)) is None
    # One node has the CPUs, the other the memory.
    problem, remedy = cluster.obstacle(request(cpus=16, mem_mb=200000))
    assert "partition cpu has at most 64000 MB" in problem
    assert "set-resources: {r: {mem_mb: 64000}}" in remedy
    problem, remedy = cluster.obstacle(request(cpus=17))
    assert "16 CPUs" in problem and "set-threads: {r: 16}" in remedy
    problem, _ = cluster.obstacle(request(minutes=3000))
    assert "2880 minutes" in problem
    problem, _ = cluster.obstacle(request(partition="gpu", gpus=3))
    assert "partition gpu has at most 2 GPUs" in problem


def write_profile(folder: Path, **changes) -> Path:
    folder.mkdir()
    partitions = {"cpu": {"max_runtime": 2880}, "gpu": {"max_runtime": 2880, "max_gpu": 8}}
    (folder / "partitions.yaml").write_text(yaml.safe_dump({"partitions": partitions}))
    settings = {
        "executor": "slurm",
        "jobs": 10,
        "retries": 2,
        "slurm-partition-config": "partitions.yaml",
        "default-resources": ["mem_mb=2000", "runtime=30"],
        **changes,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return folder


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of areas, whose few rules are planned in no time."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "patients.tsv").write_text(PATIENTS)
    (tmp_path / "areas.csv").write_text("patient,CT\nP1,3\nP2,4\n")
    config = {
        "cohort": {"patients": "patients.tsv"},
        "areas": {"path": "areas.csv", "patient": "patient", "columns": {"CT": "CT"}},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path / "config.yaml"


def test_each_rule_that_would_wait_for_ever_has_a_line(sinfo, study, tmp_path, checkout):
    # Three tries of a day each fit no node; a single one would.
    limits = ["import_areas:mem_mb=70000", "write_patients:runtime=1000", "seal_bundle:gpu=3"]
    profile = write_profile(tmp_path / "profile", **{"set-resources": limits})
    found = check_cluster(checkout, config=study, profile=profile, scratch=tmp_path)
    lines = {finding.what.partition(" asks")[0]: finding for finding in found}
    assert lines["import_areas"].level == "wrong" and "64000 MB" in lines["import_areas"].what
    assert lines["seal_bundle"].level == "wrong"
    assert "partition gpu has at most 2 GPUs" in lines["seal_bundle"].what
    assert found[-1].level == "ok" and "rules can be run in every try" in found[-1].what
    assert sum(finding.level == "wrong" for finding in found) == 2


def test_a_partition_that_is_not_there_is_named(sinfo, study, tmp_path, checkout):
    profile = write_profile(tmp_path / "profile", retries=0)
    text = (profile / "partitions.yaml").read_text().replace("cpu", "batch")
    (profile / "partitions.yaml").write_text(text)
    found = check_cluster(checkout, config=study, profile=profile, scratch=tmp_path)
    assert ("wrong", "no partition batch here", "the profile can name cpu, gpu, old") in found


def test_a_profile_that_snakemake_cannot_use_is_one_line(sinfo, study, tmp_path, checkout):
    with pytest.raises(InputError, match="no profile here; name a folder"):
        read_profile(tmp_path / "none")
    profile = write_profile(tmp_path / "profile", **{"no-such-setting": 1})
    with pytest.raises(InputError, match="cannot be planned"):
        check_cluster(checkout, config=study, profile=profile, scratch=tmp_path)
