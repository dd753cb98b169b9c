"""What pages bring to the browser."""

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
