"""What rules ask a cluster for, and what its profile says of them."""

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from study import CHECKOUT

PROFILE = CHECKOUT / "workflow" / "profiles" / "slurm" / "config.yaml"
NETWORKS = ("train_", "segment_", "classify_", "encode_", "picture_trials")
"""How names of rules begin that train or apply networks."""


@pytest.fixture(scope="module")
def rules() -> dict[str, str]:
    """Text of each rule, by its name."""
    found = {}
    for file in sorted((CHECKOUT / "workflow" / "rules").glob("*.smk")):
        for text in re.split(r"^ *rule(?= \w+:|:)", file.read_text(), flags=re.MULTILINE)[1:]:
            name = re.match(r" (\w+):", text) or re.search(r'name:\s+f?"([^"]+)"', text)
            found[name[1]] = text
    return found


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    """The profile for SLURM."""
    return yaml.safe_load(PROFILE.read_text())


def test_networks_and_nothing_else_ask_for_gpus(rules):
    asking = {name for name, text in rules.items() if re.search(r"\bgpu=", text)}
    assert asking == {name for name in rules if name.startswith(NETWORKS)}


def test_every_rule_asks_for_memory_and_time_that_grow_with_each_try(rules):
    for name, text in rules.items():
        assert re.search(r"mem_mb=(scaled|scaled_with|growing)\(", text), name
        assert re.search(r"runtime=(scaled|minutes)\(", text), name


def test_tries_stand_in_the_profile_alone(rules, profile):
    # In a rule they would be multiplied by those of the profile.
    assert [name for name, text in rules.items() if re.search(r"^ +retries:", text, re.M)] == []
    assert profile["retries"] > 0


def test_the_rules_that_work_slide_by_slide_come_as_arrays(rules, profile):
    many = {name for name, text in rules.items() if re.search(r"log:\s+\S*\{batch\}", text)}
    assert set(profile["slurm-array-jobs"].split(", ")) == many


def test_jobs_are_asked_after_without_accounts_and_queued_again_when_preempted(profile):
    # With sacct and no accounts, or a preempted job that ends, a run waits without end.
    assert profile["slurm-status-command"] == "squeue"
    assert profile["slurm-requeue"] is True
    # Logs of jobs that failed are for the user to delete.
    assert profile["slurm-delete-logfiles-older-than"] == 0


def test_partitions_stand_in_the_profile_itself(profile):
    assert (PROFILE.parent / profile["slurm-partition-config"]).samefile(PROFILE)
    assert any(limits.get("max_gpu") for limits in profile["partitions"].values())


@pytest.mark.parametrize("name", ["default", "demo", "slurm"])
def test_every_entry_of_a_profile_says_what_it_is_for(name):
    lines = (PROFILE.parents[1] / name / "config.yaml").read_text().splitlines()
    entries = [number for number, line in enumerate(lines) if re.match(r"[a-z]", line)]
    assert [lines[number] for number in entries if not lines[number - 1].startswith("#")] == []


def test_every_run_from_the_checkout_reads_the_default_profile(checkout):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--configfile", "config/none.yaml"],
        cwd=checkout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "workflow specific profile profiles/default" in done.stderr, done.stderr
