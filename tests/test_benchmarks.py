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
