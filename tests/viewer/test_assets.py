"""What pages bring to the browser."""

import os
import subprocess
import sys

import pytest

from histoniche.errors import InputError
from histoniche.viewer.assets import find_openseadragon


def test_a_missing_openseadragon_is_one_line_that_says_what_to_type(tmp_path):
    with pytest.raises(InputError, match="not installed; type make viewer") as caught:
        find_openseadragon(tmp_path)
    assert "\n" not in str(caught.value)


def test_openseadragon_is_found_where_npm_puts_it(tmp_path):
    script = tmp_path / "openseadragon" / "build" / "openseadragon" / "openseadragon.min.js"
    script.parent.mkdir(parents=True)
    script.write_text("// OpenSeadragon")
    assert find_openseadragon(tmp_path) == script


def test_the_viewer_starts_without_libraries_of_training_and_drawing():
    code = "import sys, histoniche.viewer.serve; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    heavy = {"torch", "lightning", "matplotlib", "scanpy", "sklearn", "snakemake"}
    assert not heavy & set(done.stdout.split())
