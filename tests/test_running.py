"""Snakemake as the package's own commands call it."""

import sys
from pathlib import Path

import pytest
from snakemake.cli import get_argument_parser
from snakemake.utils import available_cpu_count

from histoniche import running
from histoniche.errors import InputError
from histoniche.running import find_snakemake, find_workflow, run_to_end, study_command
from study import CHECKOUT


def program(folder: Path) -> Path:
    """A program called snakemake in a folder."""
    folder.mkdir()
    path = folder / "snakemake"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_environments_own_snakemake_comes_before_that_of_the_path(tmp_path, monkeypatch):
    own, other = program(tmp_path / "own"), program(tmp_path / "other")
    monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.setattr(sys, "executable", str(own.with_name("python")))
    assert find_snakemake() == own
    own.unlink()
    assert find_snakemake() == other
    other.unlink()
    with pytest.raises(InputError, match="own/snakemake: Snakemake, which runs the workflow, is"):
        find_snakemake()


def test_a_package_without_its_workflow_is_told_of(tmp_path, monkeypatch):
    assert find_workflow() == CHECKOUT / "Snakefile"
    monkeypatch.setattr(running, "CHECKOUT", tmp_path)
    with pytest.raises(InputError, match="Snakefile: the workflow is not here; install histoniche"):
        study_command(tmp_path, tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("place", "cores"),
    [
        ({}, available_cpu_count()),
        ({"cores": 3}, 3),
        ({"profile": Path("slurm")}, None),
        ({"profile": Path("slurm"), "cores": 2}, 2),
    ],
)
def test_snakemake_reads_the_command_as_it_is_meant(tmp_path, place, cores):
    command = study_command(tmp_path, tmp_path / "config.yaml", **place)
    read = get_argument_parser().parse_args([*command[1:], "--", "one", "two"])
    assert (Path(read.snakefile), Path(read.directory)) == (CHECKOUT / "Snakefile", tmp_path)
    assert [Path(path) for path in read.configfile] == [tmp_path / "config.yaml"]
    assert Path(read.workflow_profile) == CHECKOUT / "workflow" / "profiles" / "default"
    assert (read.profile or []) == ([str(place["profile"])] if "profile" in place else [])
    assert read.cores == cores
    assert set(read.targets) == {"one", "two"}


def test_a_run_that_fails_says_with_which_status():
    run_to_end([sys.executable, "-c", ""])
    with pytest.raises(InputError, match="snakemake ended with status 3; mend what it says"):
        run_to_end([sys.executable, "-c", "raise SystemExit(3)"])
