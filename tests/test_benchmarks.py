"""Benchmarks are run by hand; what they take from the workflow has to be there all the same."""

import ast
import importlib

import pytest

from study import CHECKOUT

SCRIPTS = sorted((CHECKOUT / "tests" / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_benchmark_imports_is_there(script):
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("histoniche."):
            module = importlib.import_module(node.module)
            for name in node.names:
                assert hasattr(module, name.name), f"{node.module} has no {name.name}"


def test_a_made_up_cohort_can_be_planned_with_every_stage(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(CHECKOUT / "tests" / "benchmarks")
    scale = importlib.import_module("scale")
    study = scale.write_cohort(tmp_path, 200)
    jobs = study.planned(scale.STAGES["everything"])
    for rule in ("segment_slides", "encode_slides", "prepare_scans", "train_slide_signature"):
        assert jobs[rule] >= 4, rule
    # Each stage that is timed for itself ends with a rule of the workflow.
    assert set(scale.STAGES.values()) - {"all"} <= set(jobs)
    # Equal batches, and none a slide.
    assert jobs["inspect_slides"] == jobs["segment_slides"] < 20
